import { expect, test } from 'vitest'

import { SUSPENDED, suspend, takeSuspension } from '../../../storage/base/suspend.ts'
import { Seeded } from '../../../test/support/seeded.ts'
import { compareText, textRank } from '../../types/text.ts'
import type { Row } from '../../types/value.ts'
import type { Operator } from '../operator.ts'
import type { Runtime } from '../runtime.ts'
import type { RowOrder } from './row-sorter.ts'
import { SortOperator } from './sort.ts'

/** Gives these rows; every now and then it must wait first. */
class Rows implements Operator {
  readonly #rows: readonly Row[]
  #position = 0
  #hasWaited = false

  constructor(rows: readonly Row[]) {
    this.#rows = rows
  }

  next(): Row | undefined {
    if (this.#position % 1000 === 999 && !this.#hasWaited) {
      this.#hasWaited = true
      suspend(Promise.resolve())
    }
    this.#hasWaited = false
    return this.#rows[this.#position++]
  }

  rescan(): void {
    this.#position = 0
  }

  close(): void {}
}

/** A runtime whose checkpoints wait at every thousandth row. */
function runtime(): Runtime {
  let rows = 0
  return {
    tick: () => void (++rows % 1000 === 0 && suspend(Promise.resolve())),
  } as Partial<Runtime> as Runtime
}

function drain(operator: Operator): Row[] {
  const rows: Row[] = []
  for (;;) {
    try {
      const row = operator.next()
      if (row === undefined) return rows
      rows.push(row)
    } catch (thrown) {
      if (thrown !== SUSPENDED) throw thrown
      void takeSuspension()
    }
  }
}

const byNumber: RowOrder = {
  compare: (a, b) => Number(a[0]) - Number(b[0]),
  rank: (row) => Number(row[0]),
}
/** What can hardly be told apart by the rank, and not at all. */
const byText: RowOrder = {
  compare: (a, b) => compareText(String(a[0]), String(b[0])),
  rank: (row) => textRank(String(row[0])),
}
const byTextAlone: RowOrder = { ...byText, rank: undefined }

const chance = new Seeded(7)
const draw = (below: number): number => chance.below(below)
const numbers = (count: number, distinct: number): Row[] =>
  Array.from({ length: count }, (_, i) => [draw(distinct), i])
const LETTERS = ['a', 'b', '\u0000', '\ud7ff', '\ue000', '\uffff', '\u{10000}', '\u{10ffff}', 'é']
const texts = (count: number): Row[] =>
  Array.from({ length: count }, (_, i) => [
    Array.from({ length: draw(6) }, () => LETTERS[draw(9)]).join(''),
    i,
  ])

const cases: readonly [string, Row[], RowOrder][] = [
  ['no row', [], byNumber],
  ['one row', numbers(1, 1), byNumber],
  ['a full run', numbers(4096, 100), byNumber],
  ['a run and a row', numbers(4097, 5000), byNumber],
  ['five runs with equals', numbers(20_000, 300), byNumber],
  ['all equal', numbers(10_000, 1), byNumber],
  ['in order already', numbers(10_000, 1e9).sort(byNumber.compare), byNumber],
  ['text', texts(15_000), byText],
  ['text without a rank', texts(9_000), byTextAlone],
]

test.each(cases)('%s: sorted, equals in the order in which they came', (_, rows, order) => {
  const operator = new SortOperator(runtime(), new Rows(rows), order)
  const expected = [...rows].sort(order.compare)
  expect(drain(operator)).toEqual(expected)
  operator.rescan()
  expect(drain(operator)).toEqual(expected)
  expect(operator.next()).toBe(undefined)
})

test.each(cases)('%s: the first rows are the first of all', (_, rows, order) => {
  const expected = [...rows].sort(order.compare)
  for (const limit of [0, 1, 2, 10, 4096, 5000, Infinity]) {
    const operator = new SortOperator(runtime(), new Rows(rows), order, () => limit)
    expect(drain(operator).slice(0, limit)).toEqual(expected.slice(0, limit))
  }
})

test('the rank of text never falls along its order', () => {
  const sorted = texts(3000)
    .map(([text]) => String(text))
    .sort(compareText)
  for (const [i, text] of sorted.entries())
    if (i > 0) expect(textRank(text)).toBeGreaterThanOrEqual(textRank(sorted[i - 1] ?? ''))
})
