// A server from its options to its end, whatever its backend is: the listener in front, the backend behind.

import { readFileSync } from 'node:fs'
import { createSecureContext, type SecureContext } from 'node:tls'
import type { Logger } from 'pino'
import type { Backend } from '../sql/session/session.ts'
import { Listener } from './wire/listener.ts'
import { nodeEnv } from './node-env.ts'
import { checkOptions, type ServerOptions } from './options/options.ts'
import { StartError } from './start-error.ts'

/** Superuser-reserved slots, PostgreSQL's default. */
const RESERVED_COUNT = 3

/** A server that takes connections. */
export interface RunningServer {
  readonly host: string
  readonly port: number
  /**
   * Ends it: idle sessions at once, others after their transaction or `graceMs` (default 0: their statements are
   * cancelled). Resolves when everything is on disk and closed.
   */
  close(graceMs?: number): Promise<void>
}

/** A backend, and the end of everything that was opened for it. */
export interface OpenBackend {
  readonly backend: Backend
  close(): Promise<void>
}

/** Opens the backend, then listens. If listening fails, the backend is closed again. Rejects with StartError. */
export async function runServer(
  options: ServerOptions,
  log: Logger,
  openBackend: () => Promise<OpenBackend>,
): Promise<RunningServer> {
  checkOptions(options)
  const secureContext = loadSecureContext(options)
  const opened = await openBackend()
  const { backend } = opened
  let listener: Listener
  try {
    listener = await Listener.open({
      backend,
      log,
      secureContext,
      clock: nodeEnv.clock,
      host: options.host,
      port: options.port,
      authMethod: options.auth,
      connectionCountMax: options.connectionCountMax,
      reservedCount: Math.min(RESERVED_COUNT, options.connectionCountMax - 1),
      slowMs: options.logSlowMs,
      idleTimeoutMs: options.idleTimeoutMs,
    })
  } catch (error) {
    await opened.close()
    throw error
  }
  const { port } = listener
  log.debug({ host: options.host, port }, 'listening')
  let closing: Promise<void> | undefined
  return {
    host: options.host,
    port,
    close(graceMs = 0) {
      closing ??= listener.close(graceMs).then(() => opened.close())
      return closing
    },
  }
}

function loadSecureContext(options: ServerOptions): SecureContext | undefined {
  const { tlsCert, tlsKey } = options
  if (tlsCert === undefined || tlsKey === undefined) return undefined
  try {
    return createSecureContext({
      cert: readFileSync(tlsCert),
      key: readFileSync(tlsKey),
      minVersion: 'TLSv1.2',
    })
  } catch (error) {
    throw new StartError(
      `cannot use TLS certificate ${tlsCert}: ${error instanceof Error ? error.message : String(error)}`,
    )
  }
}
