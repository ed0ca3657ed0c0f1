// What the measurements of the volume (measure.ts) have in common: log to write, a load to run, and where segments stand.
// All of them know a server by its port on loopback.

import { readFileSync } from 'node:fs'
import pg from 'pg'
import { pgbench } from '../support/pgbench.ts'
import { Seeded } from '../support/seeded.ts'

export const MEGABYTE: number = 1024 * 1024
const ROW_SIZE_BYTES = 1000
const ROWS_AT_ONCE = 1000
/** So many printable characters make a text that deflating hardly shrinks. */
const PRINTABLE_COUNT = 94
const TEXT_SIZE_BYTES = 4 * MEGABYTE
const LOAD_FLAGS = ['-n', '-b', 'tpcb-like', '-M', 'prepared', '-c', '8', '-j', '2', '-P', '1'] as const

export interface Segment {
  readonly node: number
  readonly role: string
  readonly alive: boolean
  readonly scl: string | null
  readonly bytes: string
}

export const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))

export async function connect(port: number): Promise<pg.Client> {
  const client = new pg.Client({ host: '127.0.0.1', port, user: 'postgres', database: 'postgres' })
  client.on('error', () => {})
  await client.connect()
  return client
}

export async function ask<Row extends pg.QueryResultRow>(
  port: number,
  text: string,
  values: unknown[] = [],
): Promise<Row[]> {
  const client = await connect(port)
  try {
    const { rows } = await client.query<Row>(text, values)
    return rows
  } finally {
    await client.end()
  }
}

export const segments = (port: number): Promise<Segment[]> =>
  ask<Segment>(port, 'select node, role, alive, scl::text, bytes from borealis.segments')

/** Bytes that a node keeps, as they are stored. */
export async function heldBytes(port: number, node: number): Promise<number> {
  const own = (await segments(port)).filter((segment) => segment.node === node)
  return own.reduce((sum, { bytes }) => sum + Number(bytes), 0)
}

/** Writes rows that hardly can be deflated until each node keeps so many megabytes. */
export async function fill(port: number, megabytes: number): Promise<void> {
  const text = printable(TEXT_SIZE_BYTES)
  const client = await connect(port)
  try {
    await client.query('create table if not exists filler (a bigserial primary key, b text)')
    for (let at = 0; ; at++) {
      if (at % 8 === 0 && (await heldBytes(port, 1)) >= megabytes * MEGABYTE) return
      const rows = Array.from({ length: ROWS_AT_ONCE }, (_, row) => {
        const from = (at * 7919 + row * 3001) % (text.length - ROW_SIZE_BYTES)
        return text.slice(from, from + ROW_SIZE_BYTES)
      })
      await client.query('insert into filler (b) select unnest($1::text[])', [rows])
    }
  } finally {
    await client.end()
  }
}

function printable(length: number): string {
  const chance = new Seeded(1)
  const bytes = Buffer.alloc(length)
  for (let at = 0; at < length; at++) bytes[at] = 33 + chance.below(PRINTABLE_COUNT)
  return bytes.toString('latin1')
}

/** pgbench's TPC-B at eight clients for so long; transactions each second as it reports them, and how many failed. */
export async function load(port: number, seconds: number): Promise<{ rates: number[]; failed: string }> {
  let progress = ''
  const output = await pgbench(port, [...LOAD_FLAGS, '-T', String(seconds)], {
    timeoutMs: seconds * 1000 + 60_000,
    onProgress: (text) => (progress += text),
  })
  const failed = /number of failed transactions: (\d+)/.exec(output)?.[1] ?? '?'
  return { rates: ratesOf(progress), failed }
}

/** The same for as long as `work` takes, whatever becomes of the server. */
export async function loadDuring(
  port: number,
  work: () => Promise<void>,
): Promise<{ rates: number[]; seconds: number }> {
  let progress = ''
  const over = new AbortController()
  const running = pgbench(port, [...LOAD_FLAGS, '-T', '3600'], {
    timeoutMs: 3_600_000,
    onProgress: (text) => (progress += text),
    signal: over.signal,
  }).catch(() => '')
  const startedMs = performance.now()
  try {
    await work()
    return { rates: ratesOf(progress), seconds: (performance.now() - startedMs) / 1000 }
  } finally {
    over.abort()
    await running
  }
}

function ratesOf(progress: string): number[] {
  return [...progress.matchAll(/^progress: .*?, ([\d.]+) tps/gm)].map((match) => Number(match[1]))
}

const CLOCK_TICKS_PER_S = 100

/** What a process has taken of the processors so far, as /proc tells; 0 where there is no /proc. */
export function processorSeconds(processId: number): number {
  try {
    const fields = readFileSync(`/proc/${processId}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? []
    return (Number(fields[11]) + Number(fields[12])) / CLOCK_TICKS_PER_S
  } catch {
    return 0
  }
}

export function mean(rates: readonly number[]): number {
  return rates.reduce((sum, rate) => sum + rate, 0) / Math.max(1, rates.length)
}
