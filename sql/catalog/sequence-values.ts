// Values of sequences: nextval, setval and what they keep. Not transactional, as in PostgreSQL: a value once given is
// never given again, whether or not its transaction commits.
//
//   cell of CATALOG_TREE     key: kind u8, oid u32, generation u32      value: int8 last value, u8 is called
//   memory                   last ─▶ ... ─▶ reserved: values given out without touching the cell again
//
// A cell is written with putNow once for every RESERVED_COUNT values and holds the last of them, so a restart skips
// what was reserved. A sequence without a cell is in its `initial` state. ALTER SEQUENCE RESTART and TRUNCATE ...
// RESTART IDENTITY are transactional: they give the sequence a new generation, with a fresh cell.

import { CATALOG_TREE, type Database, type View } from '../../storage/engine/engine.ts'
import { SqlError } from '../types/sql-error.ts'
import { type Int8, int8 } from '../types/value.ts'
import type { Sequence } from './catalog.ts'
import { objectKey } from './stored-objects.ts'

/** PostgreSQL's SEQ_LOG_VALS. */
const RESERVED_COUNT = 32n

interface SequenceState {
  /** The value last given, or to be given first when `isCalled` is false. */
  last: bigint
  isCalled: boolean
  /** How many more values the cell already covers. */
  reserved: bigint
}

export interface SequenceValue {
  readonly last: Int8
  readonly isCalled: boolean
  /** How many values may still be given before the cell is written again: log_cnt. */
  readonly reserved: Int8
}

export function sequenceKey(oid: number, generation: number): Buffer {
  const key = Buffer.alloc(9)
  objectKey('sequence-value', oid).copy(key)
  key.writeUInt32BE(generation, 5)
  return key
}

export class SequenceValues {
  readonly #database: Database
  readonly #states = new Map<string, SequenceState>()

  constructor(database: Database) {
    this.#database = database
  }

  /** The next value. May suspend; then none was taken. SqlError 2200H at the end of a sequence that does not cycle. */
  next(sequence: Sequence): Int8 {
    const state = this.#state(sequence)
    const value = state.isCalled ? advance(sequence, state.last, 1n) : state.last
    if (state.reserved <= 0n) {
      let end = value
      let count = 0n
      // Up to the limit only: past it the next call decides about cycling.
      for (; count < RESERVED_COUNT; count++) {
        const further = end + BigInt(sequence.increment)
        if (further > BigInt(sequence.max) || further < BigInt(sequence.min)) break
        end = further
      }
      this.#write(sequence, end, true)
      state.reserved = count
    } else state.reserved--
    state.last = value
    state.isCalled = true
    return int8(value)
  }

  /** setval. May suspend; then nothing was set. */
  set(sequence: Sequence, value: Int8, isCalled: boolean): void {
    if (BigInt(value) < BigInt(sequence.min) || BigInt(value) > BigInt(sequence.max)) {
      const bounds = `(${sequence.min}..${sequence.max})`
      throw new SqlError(
        '22003',
        `setval: value ${value} is out of bounds for sequence "${sequence.name}" ${bounds}`,
      )
    }
    const state = this.#state(sequence)
    this.#write(sequence, BigInt(value), isCalled)
    state.last = BigInt(value)
    state.isCalled = isCalled
    state.reserved = 0n
  }

  /** last_value and is_called as now. May suspend. */
  current(sequence: Sequence): SequenceValue {
    const { last, isCalled, reserved } = this.#state(sequence)
    return { last: int8(last), isCalled, reserved: int8(reserved) }
  }

  /** The same at a read point of the past, as far as it was written then. May suspend. */
  at(view: View, sequence: Sequence): SequenceValue {
    const cell = this.#database.get(view, CATALOG_TREE, sequenceKey(sequence.oid, sequence.generation))
    if (cell === undefined)
      return { last: sequence.initial.value, isCalled: sequence.initial.isCalled, reserved: 0 }
    const isCalled = cell.bytes[cell.start + 8] === 1
    return { last: int8(cell.bytes.readBigInt64BE(cell.start)), isCalled, reserved: 0 }
  }

  #state(sequence: Sequence): SequenceState {
    const id = `${sequence.oid}.${sequence.generation}`
    let state = this.#states.get(id)
    if (state === undefined) {
      const cell = this.#database.getLatest(CATALOG_TREE, sequenceKey(sequence.oid, sequence.generation))
      state =
        cell === undefined
          ? { last: BigInt(sequence.initial.value), isCalled: sequence.initial.isCalled, reserved: 0n }
          : {
              last: cell.bytes.readBigInt64BE(cell.start),
              isCalled: cell.bytes[cell.start + 8] === 1,
              reserved: 0n,
            }
      this.#states.set(id, state)
    }
    return state
  }

  #write(sequence: Sequence, last: bigint, isCalled: boolean): void {
    const value = Buffer.allocUnsafe(9)
    value.writeBigInt64BE(last)
    value[8] = isCalled ? 1 : 0
    this.#database.putNow(CATALOG_TREE, sequenceKey(sequence.oid, sequence.generation), value)
  }
}

function advance(sequence: Sequence, last: bigint, steps: bigint): bigint {
  const next = last + BigInt(sequence.increment) * steps
  const min = BigInt(sequence.min)
  const max = BigInt(sequence.max)
  if (next <= max && next >= min) return next
  const isUp = BigInt(sequence.increment) > 0n
  if (sequence.cycle) return isUp ? min : max
  const [end, limit] = isUp ? ['maximum', max] : ['minimum', min]
  throw new SqlError('2200H', `nextval: reached ${end} value of sequence "${sequence.name}" (${limit})`)
}
