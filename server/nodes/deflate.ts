// Deflating batches of the log, for volumes.

import { constants, deflateRaw, deflateRawSync } from 'node:zlib'

import type { Deflate } from '../../storage/volume/volume-options.ts'

const DEFLATE_OPTIONS = { level: constants.Z_BEST_SPEED }
/** Deflating pays when it saves a fifth. */
const DEFLATED_SHARE_MAX = 0.8
/** What shrinks to this share is deflated on this thread. */
const DEFLATED_SHARE_HERE_MAX = 0.25

/**
 * What shrinks well is deflated faster than it is handed to another thread and back (0.13 ms for 64 KB that a load logs);
 * what does not takes ten times as long and goes there. The last run tells what the next will be like.
 */
export function newDeflate(): Deflate {
  let lastShare = 1
  const worthIt = (deflated: Buffer, bytes: Uint8Array): Buffer | undefined => {
    lastShare = deflated.length / bytes.length
    return lastShare <= DEFLATED_SHARE_MAX ? deflated : undefined
  }
  return (bytes, done) => {
    if (lastShare <= DEFLATED_SHARE_HERE_MAX) done(worthIt(deflateRawSync(bytes, DEFLATE_OPTIONS), bytes))
    else {
      deflateRaw(bytes, DEFLATE_OPTIONS, (error, deflated) => {
        done(error === null ? worthIt(deflated, bytes) : undefined)
      })
    }
  }
}
