// Deflating batches of the log on the runtime's thread pool, for volumes.

import { constants, deflateRaw } from 'node:zlib'

/** Deflating pays when it saves a fifth. */
const DEFLATED_SHARE_MAX = 0.8

export function deflateOffThread(bytes: Uint8Array, done: (deflated: Uint8Array | undefined) => void): void {
  deflateRaw(bytes, { level: constants.Z_BEST_SPEED }, (error, deflated) => {
    const pays = error === null && deflated.length <= bytes.length * DEFLATED_SHARE_MAX
    done(pays ? deflated : undefined)
  })
}
