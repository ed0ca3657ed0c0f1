// A throwaway PostgreSQL 15, the oracle: initdb into a new directory, a free port, no socket files, gone afterwards. As
// root it runs under the system's postgres account, since PostgreSQL refuses to run as root.
//
// BOREALIS_TEST_POSTGRES=PORT uses one that already runs on this machine (user postgres, trusted) instead.

import { execFileSync, spawn, type ChildProcess } from 'node:child_process'
import { chownSync, existsSync, mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'

export interface Postgres {
  readonly port: number
  readonly processId: number | undefined
  stop(): Promise<void>
}

interface Account {
  readonly uid: number
  readonly gid: number
}

const DEBIAN_DIRECTORY = '/usr/lib/postgresql/15/bin'
const START_TIMEOUT_MS = 30_000

/** Where initdb, postgres, psql and pgbench are, or undefined when this machine has no PostgreSQL 15. */
export function postgresDirectory(): string | undefined {
  const onPath = (process.env['PATH'] ?? '').split(':')
  return [DEBIAN_DIRECTORY, ...onPath].find((directory) =>
    ['initdb', 'postgres', 'psql'].every((program) => existsSync(join(directory, program))),
  )
}

/** Why there is no oracle here, or undefined if there is: `test.skipIf(noPostgres)`. */
export const noPostgres: string | undefined = whyNot()

function whyNot(): string | undefined {
  if (process.env['BOREALIS_TEST_POSTGRES'] !== undefined) return undefined
  if (postgresDirectory() === undefined) return 'PostgreSQL 15 is not installed'
  if (process.getuid?.() === 0 && postgresAccount() === undefined)
    return 'there is no postgres account to run PostgreSQL under'
  return undefined
}

/** Starts one with `settings` in place of PostgreSQL's defaults. */
export async function startPostgres(settings: Readonly<Record<string, string>> = {}): Promise<Postgres> {
  const given = process.env['BOREALIS_TEST_POSTGRES']
  if (given !== undefined && Object.keys(settings).length === 0) {
    return { port: Number(given), processId: undefined, stop: () => Promise.resolve() }
  }
  const directory = initPostgres()
  const port = await freePort()
  const server = launchPostgres(directory, port, settings)
  const onExit = (): void => {
    server.kill('SIGKILL')
  }
  process.once('exit', onExit)
  await waitUntilReady(port, START_TIMEOUT_MS)
  return {
    port,
    processId: server.pid,
    async stop() {
      process.off('exit', onExit)
      await endProcess(server)
      rmSync(directory, { recursive: true, force: true })
    },
  }
}

/** Makes a new cluster and returns its directory. */
export function initPostgres(): string {
  const directory = mkdtempSync(join(tmpdir(), 'borealis-postgres-'))
  const account = runningAccount()
  if (account !== undefined) chownSync(directory, account.uid, account.gid)
  const flags = [
    '-D',
    join(directory, 'data'),
    '-U',
    'postgres',
    '-A',
    'trust',
    '-E',
    'UTF8',
    '--locale=C.UTF-8',
  ]
  execFileSync(join(programs(), 'initdb'), [...flags, '--no-sync'], {
    ...spawnOptions(directory),
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  return directory
}

/** Starts a server on the cluster in `directory`; it does not take connections yet. */
export function launchPostgres(
  directory: string,
  port: number,
  settings: Readonly<Record<string, string>> = {},
): ChildProcess {
  const always = {
    listen_addresses: '127.0.0.1',
    unix_socket_directories: '',
    timezone: 'UTC',
    log_timezone: 'UTC',
  }
  const flags = Object.entries({ ...always, ...settings }).flatMap(([name, value]) => [
    '-c',
    `${name}=${value}`,
  ])
  const all = ['-D', join(directory, 'data'), '-p', String(port), ...flags]
  return spawn(join(programs(), 'postgres'), all, { ...spawnOptions(directory), stdio: 'ignore' })
}

function programs(): string {
  const directory = postgresDirectory()
  if (directory === undefined) throw new Error('PostgreSQL 15 is not installed')
  return directory
}

function spawnOptions(directory: string): {
  cwd: string
  env: NodeJS.ProcessEnv
  uid?: number
  gid?: number
} {
  return { ...runningAccount(), cwd: directory, env: { ...process.env, LC_ALL: 'C.UTF-8', TZ: 'UTC' } }
}

function runningAccount(): Account | undefined {
  return process.getuid?.() === 0 ? postgresAccount() : undefined
}

/** Resolves when the server on `port` answers a query; rejects after `timeoutMs`. */
export async function waitUntilReady(port: number, timeoutMs: number): Promise<void> {
  const deadlineMs = performance.now() + timeoutMs
  for (;;) {
    const client = new pg.Client({ host: '127.0.0.1', port, user: 'postgres', database: 'postgres' })
    client.on('error', () => {})
    try {
      await client.connect()
      await client.query('select 1')
      await client.end()
      return
    } catch (error) {
      if (performance.now() > deadlineMs) throw error
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
  }
}

/** A port that was free a moment ago. */
export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer()
    server.once('error', reject)
    server.listen(0, '127.0.0.1', () => {
      const address = server.address()
      const port = address === null || typeof address === 'string' ? 0 : address.port
      server.close(() => resolve(port))
    })
  })
}

/** Fast shutdown: open connections are ended. */
export function endProcess(server: ChildProcess): Promise<void> {
  return new Promise((resolve) => {
    if (server.exitCode !== null || server.signalCode !== null) return resolve()
    server.once('exit', () => resolve())
    server.kill('SIGINT')
  })
}

function postgresAccount(): Account | undefined {
  const id = (flag: string): number =>
    Number(execFileSync('id', [flag, 'postgres'], { stdio: ['ignore', 'pipe', 'ignore'] }))
  try {
    return { uid: id('-u'), gid: id('-g') }
  } catch {
    return undefined
  }
}
