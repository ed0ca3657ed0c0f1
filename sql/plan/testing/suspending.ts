// A database on which every access that may wait does so once before it answers: whoever loses a row or does something
// twice when that happens breaks the contract of storage/base/suspend.ts.

import { suspend } from '../../../storage/base/suspend.ts'
import type { Cursor, Database, Transaction } from '../../../storage/engine/engine.ts'

class Gate {
  readonly #passed = new Set<string>()
  #isOpen = false

  /** Suspends the first time it is asked about `what`. */
  once(what: string): void {
    if (this.#passed.has(what)) return
    this.#passed.add(what)
    suspend(Promise.resolve())
  }

  /** Suspends at every other call: for calls that are simply made again. */
  alternate(): void {
    this.#isOpen = !this.#isOpen
    if (this.#isOpen) suspend(Promise.resolve())
  }
}

/** What a call is about, so that the same call made again passes. */
function signature(name: string, args: readonly unknown[]): string {
  const parts = args.filter((arg) => typeof arg !== 'object' || arg instanceof Uint8Array)
  return `${name} ${parts.map((arg) => (arg instanceof Uint8Array ? Buffer.from(arg).toString('hex') : String(arg))).join()}`
}

const ONCE: ReadonlySet<string | symbol> = new Set(['get', 'getLatest', 'lock'])
const ALTERNATE: ReadonlySet<string | symbol> = new Set(['nextRowId', 'next'])

function gated<T extends object>(
  target: T,
  gate: Gate,
  wrap: (name: string | symbol, value: unknown) => unknown = (_, value) => value,
): T {
  return new Proxy(target, {
    get(object, name): unknown {
      const value: unknown = Reflect.get(object, name, object)
      if (typeof value !== 'function') return value
      const bound = value.bind(object) as (...args: unknown[]) => unknown
      return (...args: unknown[]) => {
        if (ONCE.has(name)) gate.once(signature(String(name), args))
        else if (ALTERNATE.has(name)) gate.alternate()
        return wrap(name, bound(...args))
      }
    },
  })
}

/** The database with gates before get, getLatest, nextRowId and cursors' next. */
export function suspendingDatabase(database: Database): Database {
  return gated(database, new Gate(), (name, value) =>
    name === 'cursor' ? gated(value as Cursor, new Gate()) : value,
  )
}

/** The transaction with a gate before lock. */
export function suspendingTransaction(transaction: Transaction): Transaction {
  return gated(transaction, new Gate())
}

/** A checkpoint whose turn is always over. */
export function suspendingCheckpoint(): () => void {
  const gate = new Gate()
  return () => gate.alternate()
}
