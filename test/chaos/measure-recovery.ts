// Recovery time against the length of the log: how long after kill -9, under load, until the first SELECT is answered,
// from the start of the process on.
//
//   tcp       the server is killed, its six storage nodes go on
//   embedded  the server is killed with the six storage nodes in its threads
//
// No page image exists of what was loaded: each page is made of its records when it is read.

import { borealisServer } from '../support/launch.ts'
import { initialise } from '../support/pgbench.ts'
import { Cluster } from '../volume/cluster.ts'
import { withKeptData } from './kept-data.ts'
import { ask, fill, loadDuring, sleep } from './load.ts'

const SCALE = 1
const LOAD_MS = 4000
const ANSWER_TIMEOUT_MS = 60_000
const RETRY_MS = 5

export interface RecoveryOptions {
  readonly megabytes: readonly number[]
  readonly repeat: number
  readonly keepUnder: string | undefined
  readonly say: (text: string) => void
}

/** A server that can be killed and started again. */
interface Victim {
  readonly port: number
  /** Resolves when it is to be tried, or rejects when it ended. */
  start(): Promise<unknown>
  kill(): Promise<void>
}

export async function measureRecovery(options: RecoveryOptions): Promise<void> {
  for (const megabytes of options.megabytes) {
    await measureRemote(options, megabytes)
    await measureEmbedded(options, megabytes)
  }
}

async function measureRemote(options: RecoveryOptions, megabytes: number): Promise<void> {
  const load = async (directory: string): Promise<void> => {
    const cluster = await Cluster.make({ command: 'built', directory })
    try {
      await cluster.start()
      await fillLog(cluster.port, megabytes)
    } finally {
      await cluster.end('SIGTERM')
    }
  }
  const kept = { under: options.keepUnder, name: `recovery-tcp-${megabytes}`, load }
  await withKeptData(kept, async (directory) => {
    const cluster = await Cluster.make({ command: 'built', directory })
    try {
      await cluster.start()
      const victim: Victim = {
        port: cluster.port,
        start: () => cluster.server.start(),
        kill: () => cluster.server.end('SIGKILL'),
      }
      await killAgainAndAgain(victim, options, `tcp, ${megabytes} MB of log`)
    } finally {
      await cluster.end('SIGTERM')
    }
  })
}

async function measureEmbedded(options: RecoveryOptions, megabytes: number): Promise<void> {
  const load = async (directory: string): Promise<void> => {
    const server = await borealisServer([], directory)
    await server.start()
    await fillLog(server.port, megabytes)
    await server.end()
  }
  const kept = { under: options.keepUnder, name: `recovery-embedded-${megabytes}`, load }
  await withKeptData(kept, async (directory) => {
    const server = await borealisServer([], directory)
    try {
      await server.start()
      await killAgainAndAgain(server, options, `embedded, ${megabytes} MB of log`)
    } finally {
      await server.end()
    }
  })
}

async function fillLog(port: number, megabytes: number): Promise<void> {
  await initialise(port, SCALE)
  await fill(port, megabytes)
}

async function killAgainAndAgain(victim: Victim, options: RecoveryOptions, what: string): Promise<void> {
  const times: number[] = []
  for (let round = 0; round < options.repeat; round++) {
    await loadDuring(victim.port, async () => {
      await sleep(LOAD_MS)
      await victim.kill()
    })
    const startedMs = performance.now()
    const started = victim.start()
    started.catch(() => undefined)
    await firstAnswer(victim.port)
    times.push(performance.now() - startedMs)
    await started
  }
  const sorted = times.toSorted((a, b) => a - b)
  const median = sorted[sorted.length >> 1] ?? 0
  const all = times.map((ms) => ms.toFixed(0)).join(' ')
  options.say(`recovery: ${what}: first answer after ${median.toFixed(0)} ms (median of ${all})`)
}

/** Tries until a row is read. */
async function firstAnswer(port: number): Promise<void> {
  const untilMs = performance.now() + ANSWER_TIMEOUT_MS
  for (;;) {
    try {
      await ask(port, 'select abalance from pgbench_accounts where aid = 77777')
      return
    } catch (error) {
      if (performance.now() > untilMs) throw error
      await sleep(RETRY_MS)
    }
  }
}
