// What the tests of branches share: clients of one server, and short ways to ask.

import pg from 'pg'
import type { TestServer } from '../support/borealis.ts'

export type Cell = string | number | boolean | null

/** A client of a database; `options` as in PGOPTIONS. */
export async function client(server: TestServer, database: string, options?: string): Promise<pg.Client> {
  const made = new pg.Client({ host: '127.0.0.1', port: server.port, user: 'postgres', database, options })
  // A connection that the server ends says so more than once; whoever waits for it listens too.
  made.on('error', () => undefined)
  await made.connect()
  return made
}

/** The rows of a query, as arrays of values. */
export async function rows(on: pg.Client, text: string): Promise<Cell[][]> {
  return (await on.query<Cell[]>({ text, rowMode: 'array' })).rows
}

/** The first value of the first row. */
export async function value(on: pg.Client, text: string): Promise<Cell | undefined> {
  return (await rows(on, text))[0]?.[0]
}
