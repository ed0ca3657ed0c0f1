// DDL is rare and long, and it changes things in many small steps, so it is written as async functions: each step that
// may suspend is made again until it returns.

import { runSuspendable } from '../../storage/base/suspend.ts'

/** Calls `step` until it does not suspend. It must change nothing before its last call that may suspend has returned. */
export async function settled<T>(step: () => T): Promise<T> {
  return await runSuspendable(step)
}
