// The contract of storage/base/suspend.ts, for every operator at once: scripts run twice, once on a database where
// every access that may wait does wait. Rows that were lost or made twice would show.

import { expect, test } from 'vitest'
import { SqlError } from '../types/sql-error.ts'
import { openPlanSession } from './testing/plan-fixture.ts'
import { comparable, readScript } from './testing/script.ts'

async function runScript(name: string, suspends: boolean): Promise<Map<string, readonly string[]>> {
  const session = await openPlanSession()
  const { setup, statements } = readScript(name)
  for (const statement of setup) await session.run(statement)
  session.suspends = suspends
  const results = new Map<string, readonly string[]>()
  for (const [i, statement] of statements.entries()) {
    const rows = await session.text(statement).catch((error: unknown) => {
      if (!(error instanceof SqlError)) throw error
      return [`${error.code} ${error.message}`]
    })
    results.set(`${i} ${statement}`, comparable(statement, rows))
  }
  return results
}

test.each(['queries', 'changes'])(
  '%s give the same when everything waits',
  async (name) => {
    expect(await runScript(name, true)).toEqual(await runScript(name, false))
  },
  120_000,
)
