// The composition root: options in, a running server out. `import { start } from 'borealis'` is this file.
//
//   embedded volume (six nodes) ──▶ engine (pool, trees, locks) ──▶ backend (SQL) ──▶ listener

import { resolve } from 'node:path'
import { setImmediate as nextTurn } from 'node:timers/promises'
import type { Logger } from 'pino'
import { createBackend, prepareBackend } from '../sql/session/backend.ts'
import { createEngine } from '../storage/engine/create-engine.ts'
import { archiveSettings } from './options/backup-options.ts'
import { openEmbeddedVolume } from './nodes/embedded-volume.ts'
import { firstPassword } from './options/first-password.ts'
import { openLog } from './log.ts'
import { nodeEnv } from './node-env.ts'
import { DEFAULT_OPTIONS, type ServerOptions } from './options/options.ts'
import { openRemoteVolume, type RemoteVolume } from './nodes/remote-volume.ts'
import type { StorageThreads } from './storage-threads.ts'
import { type OpenBackend, type RunningServer, runServer } from './running-server.ts'

export type { RunningServer } from './running-server.ts'
export type { ServerOptions } from './options/options.ts'

/**
 * Starts a server inside this process. What is not given has the default of `borealis serve`, but the log says
 * warnings only. Rejects with an Error whose message is fit for the user: port in use, directory locked, ...
 */
export function start(options: Partial<ServerOptions> = {}): Promise<RunningServer> {
  const all = { ...DEFAULT_OPTIONS, logLevel: 'warn', ...options }
  return startWithOptions(all, openLog(all.logLevel))
}

/** `threads`: started ahead for the storage nodes, if those are embedded. */
export function startWithOptions(
  options: ServerOptions,
  log: Logger,
  threads?: StorageThreads,
): Promise<RunningServer> {
  return runServer(options, log, () => openBackend(options, log, threads))
}

async function openBackend(
  options: ServerOptions,
  log: Logger,
  threads: StorageThreads | undefined,
): Promise<OpenBackend> {
  const { clock, prng } = nodeEnv
  log.debug({ afterMs: Math.round(process.uptime() * 1000) }, 'the process is loaded')
  const opening = openStorage(options, log, threads)
  // Nodes have been told to open by the next turn, and take a while: this thread has work of its own until then.
  const [{ volume, meet }] = await Promise.all([opening, nextTurn().then(prepareBackend)])
  log.debug('the volume is open')
  const crash = options.faultInjection ? () => process.kill(process.pid, 'SIGKILL') : undefined
  const engine = createEngine({ volume, clock, poolSizeBytes: options.bufferPoolBytes })
  const closeStorage = async (): Promise<void> => {
    await engine.close()
    await volume.close()
  }
  try {
    const backend = await createBackend({
      engine,
      volume,
      clock,
      prng,
      settings: serverSettings(options),
      firstPassword: () => firstPassword(options),
      operations: { meet, crash },
      warn: (error) => log.warn({ err: error }, 'background work on databases will be tried again'),
    })
    return {
      backend,
      async close() {
        await backend.close(0)
        await closeStorage()
      },
    }
  } catch (error) {
    await volume.close()
    throw error
  }
}

/** The volume on the nodes that the options name. */
async function openStorage(
  { storage, ...options }: ServerOptions,
  log: Logger,
  threads: StorageThreads | undefined,
): Promise<Pick<RemoteVolume, 'volume'> & Partial<RemoteVolume>> {
  const { clock, prng } = nodeEnv
  if (storage !== 'embedded') {
    threads?.endUntaken()
    return openRemoteVolume({ ...options, storage }, { clock, prng, log })
  }
  const archive = archiveSettings(options)
  const directory = options.data
  return { volume: await openEmbeddedVolume({ ...options, directory, archive, threads, clock, prng, log }) }
}

/** What SHOW tells of the command line. */
function serverSettings(options: ServerOptions): ReadonlyMap<string, string> {
  return new Map([
    ['port', String(options.port)],
    ['listen_addresses', options.host],
    ['max_connections', String(options.connectionCountMax)],
    ['data_directory', resolve(options.data)],
    ['ssl', options.tlsCert === undefined ? 'off' : 'on'],
  ])
}
