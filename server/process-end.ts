// How a process of the command line ends: asked by a signal, or with a problem that is one line on standard error.

import type { Logger } from 'pino'
import { StorageError } from '../storage/base/errors.ts'
import { StartError } from './start-error.ts'

/** The first SIGTERM or SIGINT closes, the second kills. */
export function closeOnSignals(log: Logger, close: (signal: NodeJS.Signals) => Promise<void>): void {
  let isClosing = false
  const stop = (signal: NodeJS.Signals): void => {
    if (isClosing) process.exit(1)
    isClosing = true
    log.info({ signal }, 'shutting down')
    close(signal).then(() => process.exit(0), fail)
  }
  process.on('SIGTERM', stop)
  process.on('SIGINT', stop)
}

/** Says why on standard error, and ends with status 1. */
export function fail(error: unknown): never {
  const isExpected = error instanceof StartError || error instanceof StorageError
  const text = isExpected
    ? error.message
    : error instanceof Error
      ? (error.stack ?? error.message)
      : String(error)
  process.stderr.write(`borealis: ${text}\n`)
  process.exit(1)
}
