import { expect, test } from 'vitest'
import { ByteWriter } from '../../storage/base/byte-writer.ts'
import { builtinTypeByName } from './registry.ts'
import { testContext } from './testing/context.ts'
import type { Type, TypeContext } from './type.ts'

const regclass = builtinTypeByName('regclass') as Type
const context: TypeContext = testContext({
  lookup: {
    ...testContext().lookup,
    regNameToOid: (kind, name) => (kind === 'regclass' && name === 'pg_type' ? 1247 : 0),
    regOidToName: (kind, oid) => (kind === 'regclass' && oid === 1247 ? 'pg_type' : String(oid)),
  },
})

function written(value: number): string {
  const writer = new ByteWriter(8)
  regclass.writeText(value, writer, context)
  return writer.copy().toString()
}

test('a name is resolved by the catalog, digits are an oid, a dash is none', () => {
  expect(regclass.input('pg_type', -1, context)).toBe(1247)
  expect(regclass.input('4294967295', -1, context)).toBe(0xffff_ffff)
  expect(regclass.input('-', -1, context)).toBe(0)
})

test('output asks the catalog and falls back to what it answers', () => {
  expect(regclass.output(1247, context)).toBe('pg_type')
  expect(written(1247)).toBe('pg_type')
  expect(written(99)).toBe('99')
  expect(written(0)).toBe('-')
})

test('in binary and in storage it is an oid', () => {
  const writer = new ByteWriter(8)
  regclass.send(0xffff_fffe, writer, context)
  expect(writer.copy().toString('hex')).toBe('fffffffe')
  expect(regclass.receive(writer.copy(), 0, 4, -1, context)).toBe(0xffff_fffe)
  expect(regclass.rowSlot).toBe('uint4')
})
