// Window functions over rows sorted by partition and order: a partition is read whole, then its rows come out one by one
// with the functions' values behind them.

import type { AggregateFunction } from '../../functions/function.ts'
import { SqlError } from '../../types/sql-error.ts'
import type { Row, Value } from '../../types/value.ts'
import type { Operator } from '../operator.ts'
import type { Runtime } from '../runtime.ts'
import { FrameFinder, type FramePlan, type Partition, Partition as PartitionRows } from './window-frame.ts'

/** One call. Arguments are slots of the input rows. */
export interface WindowCall {
  /** Name of a pure window function, or the aggregate. */
  readonly fn: string | AggregateFunction
  readonly args: readonly number[]
  readonly argumentTypes: readonly number[]
  readonly filter: number | undefined
}

export interface WindowPlan {
  readonly samePartition: (a: Row, b: Row) => boolean
  readonly peers: (a: Row, b: Row) => boolean
  readonly frame: FramePlan
  readonly calls: readonly WindowCall[]
}

export class WindowOperator implements Operator {
  readonly #runtime: Runtime
  readonly #child: Operator
  readonly #plan: WindowPlan
  #gathered: Row[] = []
  #partition: Partition | undefined
  #values: Value[][] = []
  #position = 0
  #pending: Row | undefined
  #isDrained = false

  constructor(runtime: Runtime, child: Operator, plan: WindowPlan) {
    this.#runtime = runtime
    this.#child = child
    this.#plan = plan
  }

  next(): Row | undefined {
    for (;;) {
      if (this.#partition !== undefined) {
        const row = this.#partition.rows[this.#position]
        if (row !== undefined) {
          const joined = [...row]
          for (const values of this.#values) joined.push(values[this.#position] as Value)
          this.#position++
          return joined
        }
        this.#partition = undefined
      }
      if (!this.#gather()) return undefined
    }
  }

  /** Reads the next partition and computes all calls over it. */
  #gather(): boolean {
    const { samePartition, peers, calls, frame } = this.#plan
    while (!this.#isDrained) {
      const row = (this.#pending ??= this.#child.next())
      if (row === undefined) {
        this.#isDrained = true
        break
      }
      const [first] = this.#gathered
      if (first !== undefined && !samePartition(first, row)) break
      this.#gathered.push(row)
      this.#pending = undefined
    }
    if (this.#gathered.length === 0) return false
    const partition = new PartitionRows(this.#gathered, peers)
    const finder = new FrameFinder(frame, this.#runtime)
    this.#values = calls.map((call) => new CallRunner(call, frame, finder, partition, this.#runtime).run())
    this.#partition = partition
    this.#gathered = []
    this.#position = 0
    return true
  }

  rescan(): void {
    this.#gathered = []
    this.#partition = undefined
    this.#pending = undefined
    this.#isDrained = false
    this.#child.rescan()
  }

  close(): void {
    this.#child.close()
  }
}

/** Aggregates whose result does not alias their state: it may go on growing after `final`. */
const PURE_FINALS: ReadonlySet<string> = new Set(
  'count sum avg min max bool_and bool_or every stddev stddev_samp stddev_pop variance var_samp var_pop'.split(
    ' ',
  ),
)

/** One call over one partition. */
class CallRunner {
  readonly #call: WindowCall
  readonly #frame: FramePlan
  readonly #finder: FrameFinder
  readonly #partition: Partition
  readonly #runtime: Runtime

  constructor(
    call: WindowCall,
    frame: FramePlan,
    finder: FrameFinder,
    partition: Partition,
    runtime: Runtime,
  ) {
    this.#call = call
    this.#frame = frame
    this.#finder = finder
    this.#partition = partition
    this.#runtime = runtime
  }

  run(): Value[] {
    const { fn } = this.#call
    if (typeof fn !== 'string') return this.#aggregate(fn)
    const count = this.#partition.rows.length
    if (fn === 'ntile') return this.#ntile(count)
    const values: Value[] = []
    for (let i = 0; i < count; i++) values.push(this.#value(fn, i, count))
    return values
  }

  #value(name: string, i: number, count: number): Value {
    const partition = this.#partition
    switch (name) {
      case 'row_number':
        return i + 1
      case 'rank':
        return partition.peersStart(i) + 1
      case 'dense_rank':
        return (partition.groupOf[i] as number) + 1
      case 'percent_rank':
        return count === 1 ? 0 : partition.peersStart(i) / (count - 1)
      case 'cume_dist':
        return partition.peersEnd(i) / count
      case 'lag':
        return this.#shifted(i, -1)
      case 'lead':
        return this.#shifted(i, 1)
      case 'first_value':
        return this.#inFrame(i, 1, false)
      case 'last_value':
        return this.#inFrame(i, 1, true)
      case 'nth_value':
        return this.#nth(i)
      default:
        throw new SqlError('0A000', `window function ${name} is not supported`)
    }
  }

  #argument(row: number, index: number): Value {
    return (this.#partition.rows[row] as Row)[this.#call.args[index] as number] ?? null
  }

  /** lag and lead: value, offset (1), default (NULL). */
  #shifted(i: number, sign: number): Value {
    const { args } = this.#call
    const offset = args.length > 1 ? this.#argument(i, 1) : 1
    if (offset === null) return null
    const at = i + sign * Number(offset)
    if (at >= 0 && at < this.#partition.rows.length) return this.#argument(at, 0)
    return args.length > 2 ? this.#argument(i, 2) : null
  }

  #nth(i: number): Value {
    const n = this.#argument(i, 1)
    if (n === null) return null
    if (Number(n) <= 0) throw new SqlError('22016', 'argument of nth_value must be greater than zero')
    return this.#inFrame(i, Number(n), false)
  }

  /** The n-th row of the frame, from either end. */
  #inFrame(i: number, n: number, fromEnd: boolean): Value {
    const start = this.#finder.start(this.#partition, i)
    const end = this.#finder.end(this.#partition, i)
    if (this.#frame.exclude === 'no-others') {
      const at = fromEnd ? end - n : start + n - 1
      return at >= start && at < end ? this.#argument(at, 0) : null
    }
    let left = n
    for (let step = 0; step < end - start; step++) {
      const at = fromEnd ? end - 1 - step : start + step
      if (this.#finder.excludes(this.#partition, i, at)) continue
      if (--left === 0) return this.#argument(at, 0)
    }
    return null
  }

  #ntile(count: number): Value[] {
    const buckets = this.#argument(0, 0)
    const values: Value[] = []
    if (buckets !== null && Number(buckets) <= 0) {
      throw new SqlError('22014', 'argument of ntile must be greater than zero')
    }
    const n = Number(buckets)
    const small = Math.floor(count / n)
    const larger = count - small * n
    for (let i = 0; i < count; i++) {
      if (buckets === null) values.push(null)
      else if (i < larger * (small + 1)) values.push(Math.floor(i / (small + 1)) + 1)
      else values.push(larger + Math.floor((i - larger * (small + 1)) / small) + 1)
    }
    return values
  }

  #aggregate(fn: AggregateFunction): Value[] {
    const partition = this.#partition
    const { rows } = partition
    const finder = this.#finder
    const functions = this.#runtime.functions
    const canGrow = this.#frame.start.kind === 'unbounded-preceding' && this.#frame.exclude === 'no-others'
    const grows = canGrow && PURE_FINALS.has(fn.name)
    const values: Value[] = []
    let state: unknown = fn.init(functions, this.#call.argumentTypes)
    let done = 0
    let last: { readonly start: number; readonly end: number } | undefined
    for (let i = 0; i < rows.length; i++) {
      const start = finder.start(partition, i)
      const end = finder.end(partition, i)
      if (
        last !== undefined &&
        last.start === start &&
        last.end === end &&
        this.#frame.exclude === 'no-others'
      ) {
        values.push(values[i - 1] as Value)
        continue
      }
      if (!grows || end < done) {
        state = fn.init(functions, this.#call.argumentTypes)
        done = start
      }
      for (; done < end; done++) {
        if (!finder.excludes(partition, i, done)) state = this.#step(fn, state, rows[done] as Row)
      }
      values.push(fn.final(state, functions))
      last = { start, end }
    }
    return values
  }

  #step(fn: AggregateFunction, state: unknown, row: Row): unknown {
    const { args, filter } = this.#call
    if (filter !== undefined && row[filter] !== true) return state
    const values = args.map((slot) => row[slot] as Value)
    if (fn.strict && values.includes(null)) return state
    return fn.step(state, ...values)
  }
}
