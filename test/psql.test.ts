// psql 15's own commands print the same text on Borealis as on PostgreSQL 15 for the same schema. psql asks the catalog
// with its own queries, so this compares pg_catalog as its best customer sees it.

import { spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startBorealis, type TestServer } from './support/borealis.ts'
import { noPostgres, type Postgres, postgresDirectory, startPostgres } from './support/postgres.ts'
import { RawClient } from './support/raw-client.ts'

const SCHEMA = readFileSync(join(dirname(fileURLToPath(import.meta.url)), 'psql', 'schema.sql'), 'utf8')
const DATABASE = 'psqlshop'
const PSQL_TIMEOUT_MS = 20_000

const COMMANDS = [
  '\\d',
  '\\d customer',
  '\\d "order"',
  '\\d shop.item',
  '\\d rich',
  '\\d ticket',
  '\\d customer_pkey',
  '\\d+',
  '\\d+ customer',
  '\\d+ rich',
  '\\dt',
  '\\dt+',
  '\\dt shop.*',
  '\\di',
  '\\di+',
  '\\dn',
  '\\dn+',
  '\\du',
  '\\du+',
  '\\l',
  '\\df',
  '\\df lower',
  '\\df+ abs',
  '\\dv',
  '\\dv+',
  '\\ds',
  '\\dT',
  '\\dT int4',
  '\\dT+ uuid',
  '\\dp',
  '\\dx',
  '\\db',
  '\\dC int4',
  '\\do ||',
  '\\d shop.ledger',
  '\\d+ shop.ledger',
  '\\d+ shop.busy',
  '\\sv shop.busy',
  '\\sv rich',
  '\\d+ ticket',
  '\\d+ order_note',
  '\\d shop.*',
  '\\dD shop.*',
  '\\dT+ shop.*',
  '\\d shop.spot',
  '\\dd',
  '\\dp shop.*',
  '\\ddp',
  '\\drds',
  '\\dRp',
  '\\dy',
  '\\dO',
  '\\dA',
  '\\dE',
  '\\dm',
  '\\dg',
  '\\sf abs(int4)',
  '\\d nosuch',
  '\\conninfo',
]

/** Built-in objects have no descriptions: PostgreSQL's are its own texts. The last column is not compared. */
const UNDESCRIBED: ReadonlySet<string> = new Set(['\\df+ abs', '\\dT int4', '\\dT+ uuid', '\\do ||'])

/** What is meant to differ, with the reason. */
const EXCEPTIONS: Readonly<Record<string, string>> = {
  '\\dx':
    'PostgreSQL comes with the extension plpgsql; there is no procedural language here, but an extension borealis',
  '\\dn': 'there is a schema borealis',
  '\\dn+': 'there is a schema borealis',
}

/** Sizes on disk, and ports, are each server's own. */
function normalise(output: string): string {
  return output
    .replaceAll(/port "\d+"/g, 'port "PORT"')
    .replaceAll(/\b\d+ (bytes|kB|MB)\b/g, 'SIZE')
    .replaceAll(/ +\| +SIZE/g, ' | SIZE')
    .replaceAll(/-{3,}/g, '---')
    .replaceAll(/ {2,}/g, ' ')
}

function withoutLastColumn(table: string): string {
  return table.replaceAll(/ ?\|[^|\n]*$/gm, '')
}

/** What it printed, complaints last. Not spawnSync: Borealis runs in this very process and must be able to answer. */
async function psql(port: number, commands: string): Promise<string> {
  return run('psql', ['-X', ...login(port, DATABASE), '-v', 'VERBOSITY=verbose'], `${commands}\n`)
}

const login = (port: number, database: string): string[] => [
  ...['-h', '127.0.0.1', '-p', String(port)],
  ...['-U', 'postgres', '-d', database],
]

/** A dump's text without the key that pg_dump makes up anew each time. */
async function dump(port: number, database: string): Promise<string> {
  const output = await run('pg_dump', [...login(port, database), '--schema-only'], '')
  return output.replaceAll(/^(\\(un)?restrict|-- Dumped from) .*$/gm, '')
}

async function run(program: string, args: readonly string[], input: string): Promise<string> {
  const child = spawn(join(postgresDirectory() ?? '', program), args, {
    env: { ...process.env, PGCLIENTENCODING: 'UTF8', PSQL_PAGER: '' },
    timeout: PSQL_TIMEOUT_MS,
  })
  child.stdin.end(input)
  const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr)])
  return stdout + stderr
}

describe.skipIf(noPostgres !== undefined || postgresDirectory() === undefined)('psql', () => {
  let postgres: Postgres
  let borealis: TestServer

  beforeAll(async () => {
    // Not a shared one: roles and databases are listed, and those are the whole server's.
    ;[postgres, borealis] = await Promise.all([startPostgres({ work_mem: '4MB' }), startBorealis()])
    for (const { port } of [postgres, borealis]) {
      const admin = await RawClient.login(port)
      expect(await admin.query(`create database ${DATABASE}`)).toEqual(['C CREATE DATABASE', 'Z I'])
      admin.close()
      const client = await RawClient.login(port, { database: DATABASE })
      for (const part of SCHEMA.split('-- in a transaction of its own'))
        expect((await client.query(part)).filter((line) => line.startsWith('E'))).toEqual([])
      client.close()
    }
  })

  afterAll(async () => {
    await Promise.all([postgres?.stop(), borealis?.close()])
  })

  test.each(COMMANDS)('%s', async (command) => {
    const [ours, theirs] = await Promise.all([psql(borealis.port, command), psql(postgres.port, command)])
    if (EXCEPTIONS[command] !== undefined) {
      expect(normalise(ours), `no longer differs: ${command}`).not.toBe(normalise(theirs))
      return
    }
    const shown = (output: string): string =>
      UNDESCRIBED.has(command) ? withoutLastColumn(normalise(output)) : normalise(output)
    expect(shown(ours)).toBe(shown(theirs))
  })

  test('pg_dump writes the same, and what it wrote can be restored', async () => {
    const [ours, theirs] = await Promise.all([dump(borealis.port, DATABASE), dump(postgres.port, DATABASE)])
    expect(ours).toBe(theirs)
    const admin = await RawClient.login(borealis.port)
    expect(await admin.query('create database restored')).toEqual(['C CREATE DATABASE', 'Z I'])
    admin.close()
    const script = ['-X', '-q', ...login(borealis.port, 'restored'), '-v', 'ON_ERROR_STOP=1']
    expect(await run('psql', script, ours)).not.toContain('ERROR')
    expect(await dump(borealis.port, 'restored')).toBe(ours)
  })

  test('pg_dump with several workers, which read one snapshot', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'borealis-dump-'))
    const parallel = ['-Fd', '-j', '2', '-f', join(directory, 'dump')]
    try {
      expect(await run('pg_dump', [...login(borealis.port, DATABASE), ...parallel], '')).toBe('')
      expect(await run('pg_restore', ['-l', join(directory, 'dump')], '')).toContain('TABLE DATA shop item')
    } finally {
      rmSync(directory, { recursive: true })
    }
  })

  test("a snapshot that is exported is another transaction's too, until its own ends", async () => {
    const login = (): Promise<RawClient> => RawClient.login(borealis.port, { database: DATABASE })
    const [leader, worker, writer] = await Promise.all([login(), login(), login()])
    await writer.query('create table counted (n int)')
    await leader.query('begin isolation level repeatable read')
    const exported = await leader.query('select pg_export_snapshot()')
    const id = exported.find((line) => line.startsWith('D '))?.slice(2) ?? ''
    await writer.query('insert into counted values (1)')
    const begin = `begin isolation level repeatable read; set transaction snapshot '${id}'`
    expect(await worker.query(`${begin}; select count(*) from counted; commit`)).toContain('D 0')
    expect(await worker.query('select count(*) from counted')).toContain('D 1')
    await leader.query('commit')
    const refused = await worker.query(begin)
    expect(refused.join('\n')).toContain(`22023 invalid snapshot identifier: "${id}"`)
    await worker.query('rollback')
    expect(await worker.query(`begin; set transaction snapshot '${id}'; commit`)).toContainEqual(
      expect.stringContaining('0A000 a snapshot-importing transaction must have isolation level'),
    )
    await writer.query('drop table counted')
    for (const client of [leader, worker, writer]) client.close()
  })
})
