// The object identifier types (documentation, section 8.19): oids in the shape of names, which only a catalog
// can resolve; and pg_lsn, tid, int2vector and oidvector.

import type { ByteWriter } from '../../storage/base/byte-writer.ts'
import type { Behaviour } from './define-type.ts'
import { expectBytes, insufficientData, invalidSyntax, trimSpace } from './input-errors.ts'
import { oidBehaviour, parseInt2, parseOid } from './integer-types.ts'
import { INT2_OID } from './oids.ts'
import { arrayBehaviour } from './array-type.ts'
import { SqlError } from './sql-error.ts'
import type { Type } from './type.ts'
import { ArrayValue } from './value.ts'

/** regclass, regproc, ...: digits are an oid, '-' is none (0), anything else a name. */
export function regBehaviour(kind: string): Behaviour<number> {
  return {
    ...oidBehaviour,
    input(text, _typmod, context) {
      if (text === '-') return 0
      if (/^\d+$/.test(text)) return parseOid(text)
      return context.lookup.regNameToOid(kind, text)
    },
    output: (value, context) => (value === 0 ? '-' : context.lookup.regOidToName(kind, value)),
    writeText(value, writer, context) {
      writer.utf8(value === 0 ? '-' : context.lookup.regOidToName(kind, value))
    },
  }
}

const LSN = /^([0-9a-fA-F]{1,8})\/([0-9a-fA-F]{1,8})$/

function writeLsn(value: string, writer: ByteWriter): void {
  const [high = '', low = ''] = value.split('/')
  writer.int32(Number.parseInt(high, 16))
  writer.int32(Number.parseInt(low, 16))
}

function readLsn(bytes: Buffer, start: number): string {
  const half = (at: number): string => bytes.readUInt32BE(at).toString(16).toUpperCase()
  return `${half(start)}/${half(start + 4)}`
}

function compareLsn(a: string, b: string): number {
  if (a === b) return 0
  const [highA = '', lowA = ''] = a.split('/')
  const [highB = '', lowB = ''] = b.split('/')
  return (
    Number.parseInt(highA, 16) - Number.parseInt(highB, 16) ||
    Number.parseInt(lowA, 16) - Number.parseInt(lowB, 16)
  )
}

/** pg_lsn: '16/B374D848', eight bytes. */
export const lsnBehaviour: Behaviour<string> = {
  input(text) {
    const match = LSN.exec(text)
    if (match === null) throw invalidSyntax('pg_lsn', text)
    const half = (digits: string | undefined): string =>
      Number.parseInt(digits ?? '', 16)
        .toString(16)
        .toUpperCase()
    return `${half(match[1])}/${half(match[2])}`
  },
  output: (value) => value,
  receive(bytes, start, end) {
    expectBytes(start, end, 8)
    return readLsn(bytes, start)
  },
  send: writeLsn,
  compare: compareLsn,
  hashKey: (value) => value,
  encodeKey: writeLsn,
  encodeStored: writeLsn,
  decodeStored: readLsn,
}

const TID = /^\((\d+),(\d+)\)$/

function tidParts(value: string): readonly [number, number] {
  const match = TID.exec(value)
  return [Number(match?.[1]), Number(match?.[2])]
}

function writeTid(value: string, writer: ByteWriter): void {
  const [block, offset] = tidParts(value)
  writer.int32(block)
  writer.int16(offset)
}

function readTid(bytes: Buffer, start: number): string {
  return `(${bytes.readUInt32BE(start)},${bytes.readUInt16BE(start + 4)})`
}

/** tid: '(block,offset)', six bytes. */
export const tidBehaviour: Behaviour<string> = {
  input(text) {
    const match = /^\(\s*(\d+),\s*(\d+)\)/.exec(text)
    if (match === null || Number(match[1]) > 0xffff_ffff || Number(match[2]) > 0xffff)
      throw invalidSyntax('tid', text)
    return `(${Number(match[1])},${Number(match[2])})`
  },
  output: (value) => value,
  receive(bytes, start, end) {
    expectBytes(start, end, 6)
    return readTid(bytes, start)
  },
  send: writeTid,
  compare(a, b) {
    const [blockA, offsetA] = tidParts(a)
    const [blockB, offsetB] = tidParts(b)
    return blockA - blockB || offsetA - offsetB
  },
  hashKey: (value) => value,
  encodeKey: writeTid,
  encodeStored: writeTid,
  decodeStored: readTid,
}

/** int2vector and oidvector: numbers with blanks between, an array from index 0. */
function vectorBehaviour(element: Type, parse: (text: string) => number[]): Behaviour<ArrayValue> {
  const base = arrayBehaviour(element)
  return {
    ...base,
    input: (text) => makeVector(element.oid, parse(text)),
    output: (value) => value.elements.join(' '),
    receive(bytes, start, end, typmod, context) {
      if (end - start < 12) throw insufficientData()
      const value = base.receive(bytes, start, end, typmod, context)
      const isVector =
        value.dimensions.length === 1 && value.lowerBounds[0] === 0 && !value.elements.includes(null)
      if (!isVector && value.elements.length > 0) {
        throw new SqlError('22P03', `invalid ${element.oid === INT2_OID ? 'int2vector' : 'oidvector'} data`)
      }
      return makeVector(element.oid, value.elements as number[])
    },
    compare: compareVectors,
    encodeKey(value, writer) {
      writer.int32(value.elements.length)
      for (const item of value.elements) element.encodeKey?.(item as number, writer)
    },
  }
}

/** A vector always has its one dimension, even when it is empty. */
export function makeVector(elementOid: number, elements: readonly number[]): ArrayValue {
  return new ArrayValue(elementOid, elements, [elements.length], [0])
}

/** oidvectors compare their lengths first. */
function compareVectors(a: ArrayValue, b: ArrayValue): number {
  if (a.elements.length !== b.elements.length) return a.elements.length - b.elements.length
  for (let i = 0; i < a.elements.length; i++) {
    const order = (a.elements[i] as number) - (b.elements[i] as number)
    if (order !== 0) return order
  }
  return 0
}

export function int2vectorBehaviour(element: Type): Behaviour<ArrayValue> {
  return vectorBehaviour(element, (text) => (text.match(WORDS) ?? []).map(parseInt2))
}

export function oidvectorBehaviour(element: Type): Behaviour<ArrayValue> {
  return vectorBehaviour(element, parseOids)
}

const WORDS = /[^ \t-\r]+/g

/** oids follow each other as C's strtoul finds them; what is left when it finds none is wrong. */
function parseOids(text: string): number[] {
  const oids: number[] = []
  let rest = trimSpace(text)
  while (rest !== '') {
    const digits = /^[+-]?\d+/.exec(rest)?.[0]
    if (digits === undefined) throw invalidSyntax('oid', rest)
    oids.push(parseOid(digits))
    rest = trimSpace(rest.slice(digits.length))
  }
  return oids
}
