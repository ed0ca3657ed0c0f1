import { expect, test } from 'vitest'

import type { Lsn } from '../base/ids.ts'
import { checkQuorum, DEFAULT_QUORUM, quorumLsn } from './quorum.ts'
import { ConsistencyPoints } from './vdl.ts'

const lsns = (...values: number[]): Lsn[] => values as Lsn[]

test('quorumLsn is the highest LSN that enough have reached', () => {
  expect(quorumLsn(lsns(10, 20, 30, 40, 50, 60), 4)).toBe(30)
  expect(quorumLsn(lsns(60, 10, 50, 20, 40, 30), 4)).toBe(30)
  expect(quorumLsn(lsns(50, 50, 50, 50, 0, 0), 4)).toBe(50)
  expect(quorumLsn(lsns(50, 50, 50, 0, 0, 0), 4)).toBe(0)
  expect(quorumLsn(lsns(7), 1)).toBe(7)
  expect(quorumLsn(lsns(7, 8), 3)).toBe(0)
})

test('quorumLsn against its definition, on many small cases', () => {
  for (let code = 0; code < 4 ** 6; code++) {
    const scls = lsns(...Array.from({ length: 6 }, (_, at) => Math.floor(code / 4 ** at) % 4))
    const sorted = [...scls].sort((a, b) => b - a)
    expect(quorumLsn(scls, 4)).toBe(sorted[3])
  }
})

test('quorums that might not meet are refused', () => {
  const of = (nodeCount: number, writeCount: number, readCount: number): (() => void) => {
    return () => checkQuorum({ nodeCount, writeCount, readCount })
  }
  expect(of(6, 4, 3)).not.toThrow()
  expect(of(1, 1, 1)).not.toThrow()
  expect(of(3, 2, 2)).not.toThrow()
  expect(of(6, 3, 4)).toThrow('quorum 6,3,4 is not safe')
  expect(of(6, 4, 2)).toThrow(/not safe/)
  expect(of(6, 7, 1)).toThrow(/not safe/)
  expect(of(0, 0, 0)).toThrow(/not safe/)
  expect(() => checkQuorum(DEFAULT_QUORUM)).not.toThrow()
})

test('VDL is the last consistency point at or below the VCL, and stays', () => {
  const points = new ConsistencyPoints(8 as Lsn)
  const push = (last: number, consistent: number): void => points.push(last as Lsn, consistent as Lsn)
  push(100, 96)
  push(200, 0)
  push(300, 248)
  expect(points.advance(99 as Lsn)).toBe(8)
  expect(points.advance(100 as Lsn)).toBe(96)
  expect(points.advance(200 as Lsn)).toBe(96)
  expect(points.advance(150 as Lsn)).toBe(96)
  expect(points.advance(5000 as Lsn)).toBe(248)
  push(400, 400)
  expect(points.advance(399 as Lsn)).toBe(248)
  expect(points.advance(400 as Lsn)).toBe(400)
})
