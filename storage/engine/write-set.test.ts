// The write set against a model of versions: random puts, deletes, savepoints and rollbacks.

import { expect, test } from 'vitest'
import { ByteWriter } from '../base/byte-writer.ts'
import { SeededPrng } from '../base/testing/test-env.ts'
import type { TreeId } from '../base/ids.ts'
import { OPERATION_DELETE, OPERATION_PUT, WriteSet } from './write-set.ts'

const TREE = 5 as TreeId

interface Version {
  readonly key: string
  readonly command: number
  readonly value: string | undefined
}

function newest(model: Version[], key: string, commandId: number): string | undefined | false {
  const version = model.findLast((one) => one.key === key && one.command < commandId)
  return version === undefined ? false : version.value
}

function found(writes: WriteSet, key: string, commandId: number): string | undefined | false {
  const place = writes.newest(TREE, Buffer.from(key), commandId)
  if (place < 0) return false
  if (writes.operation(place) === OPERATION_DELETE) return undefined
  return writes.bytes.toString('latin1', writes.keyEnd(place), writes.valueEnd(place))
}

for (const seed of [1, 2, 3]) {
  test(`random writes, savepoints and rollbacks, seed ${seed}`, () => {
    const prng = new SeededPrng(seed)
    const writes = new WriteSet()
    let model: Version[] = []
    const savepoints: number[] = []
    for (let step = 0; step < 3000; step++) {
      const choice = prng.below(100)
      const key = `key${prng.below(400)}`
      const command = Math.floor(step / 10)
      if (choice < 75) {
        const value = 'v'.repeat(prng.below(choice === 0 ? 100_000 : 60)) + step
        if (prng.below(2) === 0)
          writes.put(TREE, OPERATION_PUT, Buffer.from(key), Buffer.from(value), command)
        else putPair(writes, key, value, command)
        model.push({ key, command, value })
      } else if (choice < 90) {
        writes.put(TREE, OPERATION_DELETE, Buffer.from(key), Buffer.alloc(0), command)
        model.push({ key, command, value: undefined })
      } else if (choice < 98 || savepoints.length === 0) {
        savepoints.push(writes.entryCount)
      } else {
        savepoints.length = prng.below(savepoints.length) + 1
        const length = savepoints.at(-1) as number
        writes.rollbackTo(length)
        model = model.slice(0, length)
      }
      for (const wanted of [command + 1, command, prng.below(command + 1)]) {
        const probe = `key${prng.below(400)}`
        const [actual, expected] = [found(writes, probe, wanted), newest(model, probe, wanted)]
        if (actual !== expected) expect(actual).toBe(expected)
      }
      if (step % 300 === 0) expectOrder(writes, model)
    }
    expectOrder(writes, model)
  })
}

/** The pair stands somewhere in the writer. */
function putPair(writes: WriteSet, key: string, value: string, command: number): void {
  const pair = new ByteWriter()
  pair.utf8(`before${key}${value}behind`)
  const middle = 6 + key.length
  writes.putPair(TREE, pair, 6, middle, middle + value.length, command)
}

function expectOrder(writes: WriteSet, model: Version[]): void {
  const own = writes.writesOf(TREE)
  const keys: string[] = []
  if (own !== undefined) {
    writes.sort(own)
    for (let i = 0; i < own.count; i++) {
      const place = writes.locate(own.order[i] as number)
      keys.push(writes.bytes.toString('latin1', writes.keyStart(place), writes.keyEnd(place)))
    }
  }
  expect(keys).toEqual([...new Set(model.map((one) => one.key))].sort())
}

test('sets that were large can be used again, and others get their memory', () => {
  const prng = new SeededPrng(4)
  for (let round = 0; round < 3; round++) {
    const writes = new WriteSet()
    const values = Array.from({ length: 400 }, (_, i) => String(i).repeat(2000 + prng.below(3000)))
    values.forEach((value, i) => putPair(writes, `key${i}`, value, 0))
    writes.rollbackTo(300)
    putPair(writes, 'last', 'one', 0)
    values.forEach((value, i) => {
      const actual = found(writes, `key${i}`, 1)
      if (actual !== (i < 300 ? value : false)) expect(actual).toBe(i)
    })
    expect(found(writes, 'last', 1)).toBe('one')
    expect(writes.reset()).toBe(true)
    expect(found(writes, 'key1', 1)).toBe(false)
  }
})

test('a reset set is empty and finds nothing of before', () => {
  const writes = new WriteSet()
  writes.put(TREE, OPERATION_PUT, Buffer.from('a'), Buffer.from('1'), 0)
  expect(writes.reset()).toBe(true)
  expect(found(writes, 'a', 1)).toBe(false)
  writes.put(TREE, OPERATION_PUT, Buffer.from('b'), Buffer.from('2'), 0)
  expect([found(writes, 'a', 1), found(writes, 'b', 1)]).toEqual([false, '2'])
})
