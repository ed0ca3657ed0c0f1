// Starts what is being simulated: a storage node and a volume, as the composition roots do it, on whatever clock, chance,
// disk and network they are given. The only file here that knows how they are built.

import { deflateRawSync } from 'node:zlib'

import type { Clock, Prng } from '../../storage/base/env.ts'
import type { StorageError } from '../../storage/base/errors.ts'
import { PAGE_SIZE_BYTES } from '../../storage/base/limits.ts'
import type { Member } from '../../storage/message/configuration.ts'
import type { VolumeMessage } from '../../storage/message/message.ts'
import { applyFakeRecord } from '../../storage/message/testing/fake-log.ts'
import type { Peers, Reply, Transport } from '../../storage/message/transport.ts'
import { NodeLife } from '../../storage/node/node-life.ts'
import type { SegmentStore } from '../../storage/node/segment-store.ts'
import { DEFAULT_QUORUM } from '../../storage/volume/quorum.ts'
import { openVolume } from '../../storage/volume/quorum-volume.ts'
import type { Volume } from '../../storage/volume/volume.ts'
import type { Plan } from './plan.ts'

const RESEND_AFTER_MS = 60
const QUORUM_TIMEOUT_MS = 500
const DEAD_AFTER_MS = 15_000
const DEFLATE_MS_MAX = 5

/** Small histories are collected and scrubbed often, so that every history has some of it. */
const COLLECTING = { logBytesMin: 2000, imageShareMin: 0.1 }
const SCRUBBING = { restMs: 2000, sliceEveryMs: 30 }

export interface NodeProcess {
  handle(message: VolumeMessage, reply: Reply): void
}

export function startNode(around: {
  readonly number: number
  readonly store: SegmentStore
  readonly clock: Clock
  readonly prng: Prng
  readonly peers: Peers
}): NodeProcess {
  return new NodeLife({ ...around, apply: applyFakeRecord, collecting: COLLECTING, scrubbing: SCRUBBING })
}

export function startVolume(around: {
  readonly clock: Clock
  readonly prng: Prng
  readonly plan: Plan
  readonly nodes: readonly Member[]
  reach(member: Member): Transport
  onFenced(error: StorageError): void
}): Promise<Volume> {
  const { clock, prng, plan, nodes, reach, onFenced } = around
  return openVolume({
    nodes,
    reach,
    quorum: DEFAULT_QUORUM,
    clock,
    prng,
    newClusterId: 'simulated',
    segmentSizeBytes: plan.pagesPerSegment * PAGE_SIZE_BYTES,
    deflate: plan.deflates ? (bytes, done) => deflate(clock, prng, bytes, done) : undefined,
    resendAfterMs: RESEND_AFTER_MS,
    quorumTimeoutMs: QUORUM_TIMEOUT_MS,
    deadAfterMs: DEAD_AFTER_MS,
    onFenced,
  })
}

/** Takes a while, so that batches become ready in another order than they were closed in. */
function deflate(clock: Clock, prng: Prng, bytes: Uint8Array, done: (deflated: Uint8Array) => void): void {
  const deflated = deflateRawSync(bytes, { level: 1 })
  clock.after(prng.next() * DEFLATE_MS_MAX, () => done(deflated))
}
