// The composition root: options in, a running server out. `import { start } from 'borealis'` is this file.
//
//   embedded volume (six nodes) ──▶ engine (pool, trees, locks) ──▶ backend (SQL) ──▶ listener

import type { Logger } from 'pino'
import { createBackend } from '../sql/session/backend.ts'
import type { Backend } from '../sql/session/session.ts'
import { createEngine } from '../storage/engine/create-engine.ts'
import { openEmbeddedVolume } from './embedded-volume.ts'
import { openLog } from './log.ts'
import { nodeEnv } from './node-env.ts'
import { DEFAULT_OPTIONS, type ServerOptions } from './options.ts'
import { type RunningServer, runServer } from './running-server.ts'

export type { RunningServer } from './running-server.ts'
export type { ServerOptions } from './options.ts'

/**
 * Starts a server inside this process. What is not given has the default of `borealis serve`, but the log says
 * warnings only. Rejects with an Error whose message is fit for the user: port in use, directory locked, ...
 */
export function start(options: Partial<ServerOptions> = {}): Promise<RunningServer> {
  const all = { ...DEFAULT_OPTIONS, logLevel: 'warn', ...options }
  return startWithOptions(all, openLog(all.logLevel))
}

export function startWithOptions(options: ServerOptions, log: Logger): Promise<RunningServer> {
  return runServer(options, log, () => openBackend(options, log))
}

async function openBackend(options: ServerOptions, log: Logger): Promise<Backend> {
  const { clock, prng } = nodeEnv
  const volume = await openEmbeddedVolume({
    directory: options.data,
    quorum: options.quorum,
    clock,
    prng,
    log,
  })
  const engine = await createEngine({ volume, clock, prng, bufferPoolBytes: options.bufferPoolBytes })
  return createBackend({ engine, volume, clock, prng, log })
}
