// Servers as processes of their own, for runs that measure them or kill them: Borealis from its build, and PostgreSQL.

import { execFileSync, spawn, type ChildProcess } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { endProcess, freePort, initPostgres, launchPostgres, waitUntilReady } from './postgres.ts'

const ROOT = join(dirname(fileURLToPath(import.meta.url)), '..', '..')
const ENTRY = join(ROOT, 'dist', 'server', 'main.js')
const READY_TIMEOUT_MS = 60_000

/** A server that can be stopped, killed and started again on the same data and port. */
export interface LaunchedServer {
  readonly name: string
  readonly port: number
  readonly directory: string
  /** Starts it; resolves with the milliseconds from the start of the process to the first answered query. */
  start(): Promise<number>
  /** SIGKILL, now; resolves when the process is gone. */
  kill(): Promise<void>
  /** Ends it as an operator would. */
  stop(): Promise<void>
  /** Resident memory of its processes. */
  residentBytes(): number
  /** Ends it properly. */
  end(): Promise<void>
  /** Ends it and removes its data. */
  remove(): Promise<void>
}

/** Builds what users run: compiled and bundled. */
export function buildBorealis(): void {
  execFileSync('npm', ['run', 'build'], { cwd: ROOT, stdio: 'pipe' })
}

/** `directory`: where its data lies already. */
export async function borealisServer(
  flags: readonly string[] = [],
  directory: string = mkdtempSync(join(tmpdir(), 'borealis-data-')),
): Promise<LaunchedServer> {
  const port = await freePort()
  const all = ['serve', '--data', directory, '--port', String(port), '--log-level', 'warn', ...flags]
  const launch = (): ChildProcess =>
    spawn(process.execPath, [ENTRY, ...all], { cwd: directory, stdio: ['ignore', 'ignore', 'inherit'] })
  return launchedServer('borealis', port, directory, launch)
}

export async function postgresServer(
  settings: Readonly<Record<string, string>> = {},
): Promise<LaunchedServer> {
  const directory = initPostgres()
  const port = await freePort()
  return launchedServer('postgres', port, directory, () => launchPostgres(directory, port, settings))
}

function launchedServer(
  name: string,
  port: number,
  directory: string,
  launch: () => ChildProcess,
): LaunchedServer {
  let running: ChildProcess | undefined
  process.once('exit', () => running?.kill('SIGKILL'))
  return {
    name,
    port,
    directory,
    async start() {
      const startedMs = performance.now()
      const child = launch()
      running = child
      let exitCode: number | null | undefined
      child.once('exit', (code) => {
        exitCode = code
      })
      const died = new Promise<never>((_, reject) => {
        child.once('exit', () =>
          reject(new Error(`${name} ended with status ${exitCode} before it took connections`)),
        )
      })
      // Raced, so that a server that cannot start says so at once; later its end is no failure of the start.
      died.catch(() => {})
      await Promise.race([waitUntilReady(port, READY_TIMEOUT_MS), died])
      return performance.now() - startedMs
    },
    async kill() {
      const child = running
      if (child === undefined || child.exitCode !== null || child.signalCode !== null) return
      const gone = new Promise((resolve) => child.once('exit', resolve))
      child.kill('SIGKILL')
      await gone
    },
    async stop() {
      if (running !== undefined) await endProcess(running)
    },
    residentBytes() {
      return running?.pid === undefined ? 0 : residentBytesOf(running.pid)
    },
    async end() {
      if (running !== undefined) await endProcess(running)
    },
    async remove() {
      if (running !== undefined) await endProcess(running)
      rmSync(directory, { recursive: true, force: true })
    },
  }
}

/** Memory of a process and its children that only they use, as /proc tells (0 where there is no /proc). */
function residentBytesOf(processId: number): number {
  try {
    const children = readFileSync(`/proc/${processId}/task/${processId}/children`, 'utf8').trim().split(' ')
    const own = /^Pss:\s+(\d+) kB/m.exec(readFileSync(`/proc/${processId}/smaps_rollup`, 'utf8'))
    const rest = children.filter((child) => child !== '').map((child) => residentBytesOf(Number(child)))
    return Number(own?.[1] ?? 0) * 1024 + rest.reduce((sum, bytes) => sum + bytes, 0)
  } catch {
    return 0
  }
}
