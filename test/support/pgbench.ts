// Runs PostgreSQL's pgbench against a server and reads its figures.

import { spawn } from 'node:child_process'
import { join } from 'node:path'
import pg from 'pg'
import { postgresDirectory } from './postgres.ts'

export type PgbenchScript = 'select-only' | 'tpcb-like' | 'simple-update'
export type PgbenchMode = 'simple' | 'extended' | 'prepared'

export interface PgbenchRun {
  readonly script: PgbenchScript
  readonly mode: PgbenchMode
  readonly clients: number
  readonly seconds: number
}

export interface PgbenchResult {
  readonly transactionsPerSecond: number
  readonly latencyMs: number
  readonly processed: number
  readonly failed: number
}

const THREAD_COUNT_MAX = 2
/** What a server may take beyond the time of a run before it counts as hanging. */
const HANG_TIMEOUT_MS = 60_000

/** `pgbench -i`; resolves with the seconds it took. */
export async function initialise(port: number, scale: number): Promise<number> {
  const startedMs = performance.now()
  await pgbench(port, ['-i', '-q', '-s', String(scale)], { timeoutMs: 600_000 })
  return (performance.now() - startedMs) / 1000
}

export async function runPgbench(port: number, run: PgbenchRun): Promise<PgbenchResult> {
  const threads = Math.min(run.clients, THREAD_COUNT_MAX)
  const counts = ['-c', String(run.clients), '-j', String(threads), '-T', String(run.seconds)]
  const flags = ['-n', '-b', run.script, '-M', run.mode, ...counts]
  const output = await pgbench(port, flags, { timeoutMs: run.seconds * 1000 + HANG_TIMEOUT_MS })
  const figure = (pattern: RegExp): number => Number(pattern.exec(output)?.[1] ?? Number.NaN)
  return {
    transactionsPerSecond: figure(/^tps = ([\d.]+)/m),
    latencyMs: figure(/^latency average = ([\d.]+) ms/m),
    processed: figure(/transactions actually processed: (\d+)/),
    failed: figure(/number of failed transactions: (\d+)/),
  }
}

/** The four sums that TPC-B's transactions keep equal, once the histories of other scripts are counted out. */
export interface Sums {
  readonly accounts: string
  readonly tellers: string
  readonly branches: string
  readonly history: string
}

export async function readSums(port: number): Promise<Sums> {
  const client = new pg.Client({ host: '127.0.0.1', port, user: 'postgres', database: 'postgres' })
  await client.connect()
  const sum = async (column: string, table: string): Promise<string> => {
    const { rows } = await client.query<{ sum: string | null }>(`select sum(${column}) as sum from ${table}`)
    return rows[0]?.sum ?? '0'
  }
  const sums = {
    accounts: await sum('abalance', 'pgbench_accounts'),
    tellers: await sum('tbalance', 'pgbench_tellers'),
    branches: await sum('bbalance', 'pgbench_branches'),
    history: await sum('delta', 'pgbench_history'),
  }
  await client.end()
  return sums
}

export interface PgbenchWatch {
  readonly timeoutMs: number
  /** Gets what it writes to standard error: progress, with -P. */
  readonly onProgress?: (text: string) => void
  /** Ends it early; the promise rejects then. */
  readonly signal?: AbortSignal
}

/** Runs pgbench; rejects with what it wrote to standard error if it fails, or does not end in time. */
export function pgbench(
  port: number,
  flags: readonly string[],
  { timeoutMs, onProgress, signal }: PgbenchWatch,
): Promise<string> {
  const target = ['-h', '127.0.0.1', '-p', String(port), '-U', 'postgres', 'postgres']
  return new Promise((resolve, reject) => {
    const child = spawn(join(postgresDirectory() ?? '', 'pgbench'), [...flags, ...target], {
      stdio: ['ignore', 'pipe', 'pipe'],
      timeout: timeoutMs,
      killSignal: 'SIGKILL',
      ...(signal && { signal }),
    })
    let output = ''
    let errors = ''
    child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()))
    child.stderr.on('data', (chunk: Buffer) => {
      errors += chunk.toString()
      onProgress?.(chunk.toString())
    })
    child.once('error', reject)
    child.once('close', (code, ended) => {
      if (code === 0) resolve(output)
      else
        reject(
          new Error(`pgbench ${flags.join(' ')}: ${ended ?? `status ${code}`}\n${errors.slice(0, 2000)}`),
        )
    })
  })
}
