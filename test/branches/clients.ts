// Connections for the tests of this folder.

import pg from 'pg'

export async function connectTo(port: number, database: string, user = 'postgres'): Promise<pg.Client> {
  const client = new pg.Client({ host: '127.0.0.1', port, database, user })
  await client.connect()
  return client
}

/** The fields of an error, for `catch`. */
export function errorOf(error: unknown): Record<string, unknown> {
  if (!(error instanceof pg.DatabaseError)) throw error
  const { code, message, detail, hint } = error
  return { code, message, detail, hint }
}
