// Sorting rows without ever holding the processor for long: runs of a few thousand rows are sorted as they fill, and merged
// as rows are asked for. The same rows in the same order always come out the same way: the sort is stable.
//
//   add ─▶ run being filled ──full──▶ sorted run ┐
//                                     sorted run ├─ tournament ─▶ next
//                                     sorted run ┘
//
// Most rows are told apart by a number (RowOrder.rank) that is computed once for each; the comparison of the whole key is
// for those whose numbers are equal. A tournament of n runs costs log2(n) comparisons a row (Knuth, The Art of Computer
// Programming, volume 3, section 5.4.1, "replacement selection" by a tree of losers).

import { must } from '../../../storage/base/assert.ts'
import type { Row } from '../../types/value.ts'

export type RowCompare = (a: Row, b: Row) => number

export interface RowOrder {
  readonly compare: RowCompare
  /**
   * A number that never falls along the order: where two rows' numbers differ, the smaller comes first; where they are
   * equal, `compare` decides. Never NaN. undefined: the key has no such number.
   */
  readonly rank: ((row: Row) => number) | undefined
}

/** Rows of a run: sorting them takes a millisecond or two. */
const RUN_ROWS = 4096
const NO_PLAYER = -1

interface SortedRun {
  readonly rows: readonly Row[]
  /** Ranks of the rows, if the order has them. */
  readonly ranks: Float64Array | undefined
}

export class RowSorter {
  readonly #order: RowOrder
  #rows: Row[] = []
  readonly #runs: SortedRun[] = []
  #tournament: Tournament | undefined
  #rowCount = 0

  constructor(order: RowOrder) {
    this.#order = order
  }

  get rowCount(): number {
    return this.#rowCount
  }

  add(row: Row): void {
    this.#rowCount++
    if (this.#rows.push(row) === RUN_ROWS) this.#endRun()
  }

  /** Every row was added: `next` gives them in order. */
  finish(): void {
    if (this.#rows.length > 0) this.#endRun()
    this.#tournament = new Tournament(this.#runs, this.#order.compare)
  }

  /** The next row in order, or undefined at the end. */
  next(): Row | undefined {
    return must(this.#tournament, 'rows come out when all are in').next()
  }

  #endRun(): void {
    this.#runs.push(sortedRun(this.#rows, this.#order))
    this.#rows = []
  }
}

function sortedRun(rows: Row[], { compare, rank }: RowOrder): SortedRun {
  if (rank === undefined) return { rows: rows.sort(compare), ranks: undefined }
  const count = rows.length
  const ranks = new Float64Array(count)
  for (let place = 0; place < count; place++) ranks[place] = rank(rows[place] as Row)
  const places = sortedPlaces(rows, ranks, compare)
  const sortedRows = new Array<Row>(count)
  const sortedRanks = new Float64Array(count)
  for (let at = 0; at < count; at++) {
    const place = places[at] as number
    sortedRows[at] = rows[place] as Row
    sortedRanks[at] = ranks[place] as number
  }
  return { rows: sortedRows, ranks: sortedRanks }
}

/** Places of the rows in order: merges of ever longer parts, bottom up. */
function sortedPlaces(rows: readonly Row[], ranks: Float64Array, compare: RowCompare): Uint16Array {
  const count = rows.length
  let from = new Uint16Array(count)
  for (let place = 0; place < count; place++) from[place] = place
  let to = new Uint16Array(count)
  const isBefore = (a: number, b: number): boolean => {
    const x = ranks[a] as number
    const y = ranks[b] as number
    return x === y ? compare(rows[a] as Row, rows[b] as Row) < 0 : x < y
  }
  for (let width = 1; width < count; width *= 2) {
    for (let start = 0; start < count; start += 2 * width) {
      const middle = Math.min(start + width, count)
      const end = Math.min(middle + width, count)
      let left = start
      let right = middle
      for (let at = start; at < end; at++) {
        const takesRight =
          right < end && (left === middle || isBefore(from[right] as number, from[left] as number))
        to[at] = from[takesRight ? right++ : left++] as number
      }
    }
    ;[from, to] = [to, from]
  }
  return from
}

/** Merges sorted runs: in each inner node stands the loser of a match, and on top the winner of all. */
class Tournament {
  readonly #runs: readonly SortedRun[]
  readonly #compare: RowCompare
  /** Inner nodes 1 to n - 1, whose children are nodes 2i and 2i + 1; the leaves n to 2n - 1 are the runs. */
  readonly #losers: Int32Array
  readonly #positions: Uint32Array
  /** Of each run, the row that plays and its rank; undefined when the run has ended. */
  readonly #heads: (Row | undefined)[]
  readonly #headRanks: Float64Array
  #winner: number

  constructor(runs: readonly SortedRun[], compare: RowCompare) {
    this.#runs = runs
    this.#compare = compare
    this.#losers = new Int32Array(runs.length).fill(NO_PLAYER)
    this.#positions = new Uint32Array(runs.length)
    this.#heads = runs.map(({ rows }) => rows[0])
    this.#headRanks = Float64Array.from(runs, ({ ranks }) => ranks?.[0] ?? 0)
    this.#winner = NO_PLAYER
    for (let run = 0; run < runs.length; run++) this.#enter(run)
  }

  next(): Row | undefined {
    const winner = this.#winner
    const row = this.#heads[winner]
    if (row === undefined) return undefined
    const run = this.#runs[winner] as SortedRun
    const position = (this.#positions[winner] as number) + 1
    this.#positions[winner] = position
    this.#heads[winner] = run.rows[position]
    if (run.ranks !== undefined && position < run.ranks.length)
      this.#headRanks[winner] = run.ranks[position] as number
    this.#replay(winner)
    return row
  }

  /** A run comes in: it plays upwards until a node where nobody waits yet. */
  #enter(run: number): void {
    let player = run
    for (let node = (run + this.#runs.length) >> 1; node > 0; node >>= 1) {
      const waiting = this.#losers[node] as number
      if (waiting === NO_PLAYER) {
        this.#losers[node] = player
        return
      }
      if (this.#beats(waiting, player)) {
        this.#losers[node] = player
        player = waiting
      }
    }
    this.#winner = player
  }

  /** The winner's run has another row: it plays all who lost on its way up. */
  #replay(run: number): void {
    let player = run
    for (let node = (run + this.#runs.length) >> 1; node > 0; node >>= 1) {
      const waiting = this.#losers[node] as number
      if (!this.#beats(waiting, player)) continue
      this.#losers[node] = player
      player = waiting
    }
    this.#winner = player
  }

  /** Whether run a's row comes before run b's; of equal rows the earlier run's, which keeps the sort stable. */
  #beats(a: number, b: number): boolean {
    const first = this.#heads[a]
    const second = this.#heads[b]
    if (first === undefined || second === undefined) return first !== undefined
    const x = this.#headRanks[a] as number
    const y = this.#headRanks[b] as number
    if (x !== y) return x < y
    const order = this.#compare(first, second)
    return order === 0 ? a < b : order < 0
  }
}
