// Deflating batches of the log on the runtime's thread pool, for volumes.

import { constants, deflateRaw } from 'node:zlib'

/** Little memory to set up for each run, which costs as much as the deflating; the smaller window loses nothing on records. */
const DEFLATE_OPTIONS = { level: constants.Z_BEST_SPEED, windowBits: 13, memLevel: 6 }
/** Deflating pays when it saves a fifth. */
const DEFLATED_SHARE_MAX = 0.8

export function deflateOffThread(bytes: Uint8Array, done: (deflated: Uint8Array | undefined) => void): void {
  deflateRaw(bytes, DEFLATE_OPTIONS, (error, deflated) => {
    const pays = error === null && deflated.length <= bytes.length * DEFLATED_SHARE_MAX
    done(pays ? deflated : undefined)
  })
}
