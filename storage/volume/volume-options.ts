// What whoever opens a volume says: the composition roots of the server, and tests.

import type { Clock, Prng } from '../base/env.ts'
import type { StorageError } from '../base/errors.ts'
import type { Member } from '../message/configuration.ts'
import type { Transport } from '../message/transport.ts'
import type { Quorum } from './quorum.ts'

/** Deflates (raw deflate, fastest level) off this thread; undefined as a result means that it does not pay. */
export type Deflate = (bytes: Uint8Array, done: (deflated: Uint8Array | undefined) => void) => void

export interface VolumeOptions {
  /**
   * The nodes to ask. Of a new volume the first `quorum.nodeCount` become its members, in the order in which they are
   * preferred for writes, which should alternate zones; the others become spares. A volume that exists knows its members:
   * nodes here that it does not know become spares, if they hold nothing, and addresses here replace those it knows.
   */
  readonly nodes: readonly Member[]
  /** A fresh connection to a node: at the beginning, and again after each time that one was closed. */
  readonly reach: (member: Member) => Transport
  readonly quorum: Quorum
  readonly clock: Clock
  readonly prng: Prng
  /** Identity that nodes get if they have none yet. */
  readonly newClusterId: string
  /** Bytes of pages per segment, for a new volume; a multiple of the page size. Default: SEGMENT_SIZE_BYTES_DEFAULT. */
  readonly segmentSizeBytes?: number | undefined
  /** How to deflate large batches; undefined: not at all. */
  readonly deflate?: Deflate | undefined
  /** For transports that lose messages: repeat a request after so long. */
  readonly resendAfterMs?: number | undefined
  /** New writes wait this long for a write quorum to come back before they fail with 'no-quorum'; default 30 s. */
  readonly quorumTimeoutMs?: number | undefined
  /** A member that has not answered for so long is replaced by a spare, where there is one; default 60 s. */
  readonly deadAfterMs?: number | undefined
  /** Another writer has taken the volume over, or is about to: nothing becomes durable any more. Called once. */
  readonly onFenced?: ((error: StorageError) => void) | undefined
  /** Told how the opening comes along. */
  readonly onStep?: ((step: OpeningStep, node?: number) => void) | undefined
}

/** What an opening has done: a read quorum was asked, and fenced; a node takes part; a write quorum holds what was found. */
export type OpeningStep = 'queried' | 'fenced' | 'live' | 'settled'

export const QUORUM_TIMEOUT_MS = 30_000
export const DEAD_AFTER_MS = 60_000
