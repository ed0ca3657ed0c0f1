// How synchronous code waits.
//
// The whole path of a statement is plain synchronous code. When it meets something that is not there yet (a page that
// must come from storage, a row lock someone else holds, a long statement's turn that is over), it calls `suspend`,
// which throws one shared object. The driver of the statement (see runSuspendable) catches it, awaits the promise that
// was left here, and calls the same code again.
//
//        driver ──call──▶ operator ──call──▶ cursor ──▶ page missing ──▶ suspend(promise)
//          ▲                                                                │ throws SUSPENDED
//          └────────────── await promise, call again ◀──────────────────────┘
//
// What this asks of every function between the driver and the wait: evaluate first, change your own state after.
// A call into anything that may suspend must leave `this` such that the same call can be made again and continues where
// it was: a hash join that was interrupted while it builds goes on building at the next row. Nothing on this path may
// swallow SUSPENDED: a catch clause that does not know what it caught rethrows.

/** The one object thrown by `suspend`. It is not an Error: it carries no stack, so throwing it is cheap. */
export const SUSPENDED: unique symbol = Symbol('suspended')

let pending: PromiseLike<unknown> | undefined

/** Leaves `until` for the driver and unwinds to it. A rejected promise is thrown in the driver and ends the statement. */
export function suspend(until: PromiseLike<unknown>): never {
  pending = until
  // eslint-disable-next-line no-throw-literal
  throw SUSPENDED
}

/** Takes the promise the last `suspend` left. Only for drivers, directly after catching SUSPENDED. */
export function takeSuspension(): PromiseLike<unknown> {
  const promise = pending
  pending = undefined
  if (promise === undefined) throw new Error('SUSPENDED was thrown by hand, not by suspend()')
  return promise
}

/** Calls `step` until it returns; the result is a promise only if it had to wait at least once. */
export function runSuspendable<T>(step: () => T): T | Promise<T> {
  try {
    return step()
  } catch (thrown) {
    if (thrown !== SUSPENDED) throw thrown
    return resume(step, takeSuspension())
  }
}

async function resume<T>(step: () => T, first: PromiseLike<unknown>): Promise<T> {
  let until = first
  for (;;) {
    await until
    try {
      return step()
    } catch (thrown) {
      if (thrown !== SUSPENDED) throw thrown
      until = takeSuspension()
    }
  }
}
