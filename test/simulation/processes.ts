// Starts what is being simulated: a storage node and a volume, as the composition roots do it, on whatever clock, chance,
// disk and network they are given. The only file here that knows how they are built.

import type { Clock, Prng } from '../../storage/base/env.ts'
import type { VolumeMessage } from '../../storage/message/message.ts'
import { applyFakeRecord } from '../../storage/message/testing/fake-log.ts'
import type { Peers, Reply, Transport } from '../../storage/message/transport.ts'
import { Background } from '../../storage/node/background.ts'
import type { SegmentStore } from '../../storage/node/segment-store.ts'
import { StorageNode } from '../../storage/node/storage-node.ts'
import { openVolume } from '../../storage/volume/quorum-volume.ts'
import type { Volume } from '../../storage/volume/volume.ts'
import type { Plan } from './plan.ts'
import type { Life } from './scheduler.ts'

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
  const node = new StorageNode(around.store, applyFakeRecord)
  const background = new Background(node, around.clock)
  background.touch()
  return {
    handle(message, reply) {
      node.handle(message, reply)
      background.touch()
    },
  }
}

export function startVolume(around: {
  readonly clock: Clock
  readonly prng: Prng
  readonly plan: Plan
  readonly life: Life
  reach(node: number): Transport
}): Promise<Volume> {
  return openVolume({ clock: around.clock } as never)
}
