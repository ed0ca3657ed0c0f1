// Bugs that are planted on purpose, to show that the simulation finds what it is for. Each is put between the real
// parts, as a wrapper around what passes there; none of them needs a flag in the real code.

import type { NodeMessage, VolumeMessage } from '../../storage/message/message.ts'
import type { SegmentStore } from '../../storage/node/segment-store.ts'
import type { Host } from './host.ts'

export interface Bug {
  readonly name: string
  /** What this makes wrong. */
  readonly what: string
  /** Changes a request before a node sees it. */
  request?(message: VolumeMessage, host: Host): VolumeMessage
  /** Changes a node's answer before it leaves. */
  answer?(message: VolumeMessage, answer: NodeMessage, host: Host): NodeMessage
  /** Stands between a node and its disk. */
  store?(store: SegmentStore, host: Host): SegmentStore
}

export const NO_BUG: Bug = { name: 'none', what: 'nothing is wrong' }

const BUGS: readonly Bug[] = []

/** The bug of that name. Throws when there is none. */
export function findBug(name: string): Bug {
  const bug = [NO_BUG, ...BUGS].find((each) => each.name === name)
  if (bug === undefined)
    throw new Error(`no bug is called ${name}; there are: ${BUGS.map((each) => each.name).join(', ')}`)
  return bug
}
