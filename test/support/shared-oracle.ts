// One PostgreSQL 15 for a whole run of the tests (vitest's globalSetup): tests beside the code find its port in
// BOREALIS_TEST_PG and compare with it. Tests that need a server to themselves start their own (postgres.ts).
//
// A port that is given already is used as it is; an empty one means: without PostgreSQL.

import { noPostgres, type Postgres, startPostgres } from './postgres.ts'

let oracle: Postgres | undefined

/** Before the first test file, in vitest's own process: its environment is what the workers inherit. */
export async function setup(): Promise<void> {
  if (process.env['BOREALIS_TEST_PG'] !== undefined) return
  if (noPostgres !== undefined) {
    process.stderr.write(`${noPostgres}: tests that compare with PostgreSQL are skipped\n`)
    return
  }
  oracle = await startPostgres()
  process.env['BOREALIS_TEST_PG'] = String(oracle.port)
}

export async function teardown(): Promise<void> {
  await oracle?.stop()
}
