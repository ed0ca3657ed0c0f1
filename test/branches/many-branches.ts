// Many branches of one database that are written and read at once, from many connections, and one statement over them all.
// As a program: npm run branches [-- BRANCHES [CONNECTIONS]], a thousand and fifty by default.

import pg from 'pg'

export interface ManyBranches {
  readonly port: number
  readonly branchCount: number
  readonly connectionCount: number
}

export interface Outcome {
  /** What was found to be wrong; empty when every result was exact. */
  readonly errors: readonly string[]
  readonly createdMs: number
  readonly writtenMs: number
  /** One statement over all branches. */
  readonly sumMs: number
}

const ROWS = 200

/**
 * Each branch i gets: every row + i, one row deleted, one inserted; each is read back by another connection, then all by
 * one LATERAL statement. All while other branches are written.
 */
export async function runManyBranches(options: ManyBranches): Promise<Outcome> {
  const { port, branchCount, connectionCount } = options
  const connect = async (database: string): Promise<pg.Client> => {
    const client = new pg.Client({ host: '127.0.0.1', port, user: 'postgres', database })
    await client.connect()
    return client
  }
  const admin = await connect('postgres')
  await admin.query('CREATE DATABASE trunk')
  const trunk = await connect('trunk')
  await trunk.query('CREATE TABLE orders (id int PRIMARY KEY, total bigint)')
  await trunk.query(`INSERT INTO orders SELECT i, i FROM generate_series(1, ${ROWS}) i`)
  const errors: string[] = []
  const names = Array.from({ length: branchCount }, (_, i) => `b${i + 1}`)

  /** Works on all names from so many connections at once. */
  const onEach = async (
    work: (name: string, i: number, own: pg.Client) => Promise<void>,
  ): Promise<number> => {
    const started = performance.now()
    let next = 0
    const worker = async (): Promise<void> => {
      const own = await connect('trunk')
      for (let i = next++; i < names.length; i = next++) await work(names[i] as string, i + 1, own)
      await own.end()
    }
    await Promise.all(Array.from({ length: connectionCount }, worker))
    return performance.now() - started
  }

  const createdMs = await onEach(async (name, _i, own) => {
    await own.query(`CREATE DATABASE ${name} TEMPLATE trunk`)
  })
  const sumOf = (i: number): number => (ROWS * (ROWS + 1)) / 2 + ROWS * i - (1 + i) + 1000
  const writtenMs = await onEach(async (name, i, reader) => {
    const client = await connect(name)
    await client.query('UPDATE orders SET total = total + $1', [i])
    await client.query('BEGIN')
    await client.query('DELETE FROM orders WHERE id = 1')
    await client.query('INSERT INTO orders VALUES ($1, 1000)', [ROWS + i])
    await client.query('COMMIT')
    const { rows } = await client.query<{ sum: string }>('SELECT sum(total) FROM orders')
    if (rows[0]?.sum !== String(sumOf(i))) errors.push(`${name} itself: ${rows[0]?.sum}, not ${sumOf(i)}`)
    const { rows: seen } = await reader.query<{ sum: string }>(
      'SELECT sum(total) FROM borealis.in_branch(NULL::orders, $1)',
      [name],
    )
    if (seen[0]?.sum !== String(sumOf(i))) errors.push(`${name} from trunk: ${seen[0]?.sum}, not ${sumOf(i)}`)
    await client.end()
  })

  const started = performance.now()
  const { rows } = await trunk.query<{ name: string; count: string; sum: string; own: number }>(
    `SELECT b.datname AS name, count(*), sum(o.total), max(o.id) - ${ROWS} AS own
     FROM pg_database b, LATERAL borealis.in_branch(NULL::orders, b.datname) o WHERE b.datname ~ '^b[0-9]+$' GROUP BY 1`,
  )
  const sumMs = performance.now() - started
  if (rows.length !== branchCount) errors.push(`${rows.length} branches in one statement, not ${branchCount}`)
  for (const { name, count, sum, own } of rows) {
    const i = Number(name.slice(1))
    if (count !== String(ROWS) || sum !== String(sumOf(i)) || own !== i)
      errors.push(`${name} in one statement: ${count} rows, sum ${sum}, row ${own}`)
  }
  const { rows: trunkRows } = await trunk.query<{ sum: string }>('SELECT sum(total) FROM orders')
  if (trunkRows[0]?.sum !== String((ROWS * (ROWS + 1)) / 2))
    errors.push(`the trunk changed: ${trunkRows[0]?.sum}`)
  await Promise.all([admin.end(), trunk.end()])
  return { errors, createdMs, writtenMs, sumMs }
}
