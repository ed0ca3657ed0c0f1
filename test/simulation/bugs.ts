// Bugs that are planted on purpose, to show that the simulation finds what it is for. Each is put between the real
// parts, as a wrapper around what passes there; none of them needs a flag in the real code.

import type { Lsn, TimelineId } from '../../storage/base/ids.ts'
import { readBatchHeader } from '../../storage/message/batch.ts'
import type { NodeMessage, NodeState, VolumeMessage } from '../../storage/message/message.ts'
import type { Reply } from '../../storage/message/transport.ts'
import type { SegmentStore } from '../../storage/node/segment-store.ts'
import type { Plan } from './plan.ts'
import { type Host, NODE_COUNT } from './host.ts'

/** What a node does with a request. */
export type Handle = (message: VolumeMessage, reply: Reply) => void

export interface Bug {
  readonly name: string
  /** What a history should be about to meet it. */
  readonly plan?: Partial<Plan> | undefined
  /** Stands between the network and a node. */
  handle?(host: Host, message: VolumeMessage, reply: Reply, handle: Handle): void
  /** Stands between a node and its disk. */
  store?(host: Host, store: SegmentStore): SegmentStore
}

export const NO_BUG: Bug = { name: 'none' }

/** A little more than the smallest record: what is off by so much is off by one record. */
const ONE_RECORD_BYTES = 48

type Append = VolumeMessage & { readonly kind: 'append' }

/** Says 'appended' for batches without keeping them. */
function pretend(message: Append): NodeMessage {
  const segments = message.batches.map((bytes) => {
    const { timeline, group, last } = readBatchHeader(Buffer.from(bytes))
    return { timeline, group, scl: last }
  })
  return { kind: 'appended', id: message.id, segments }
}

function stateOf(handle: Handle): NodeState | undefined {
  let state: NodeState | undefined
  const query = { kind: 'query', id: 0, volumeEpoch: 0, membershipEpoch: 0 } as VolumeMessage
  handle(query, (answer) => void (state = answer.kind === 'state' ? answer.state : undefined))
  return state
}

/** The writer is content with three copies: one of the four that make a write need not be there. */
const wrongQuorum: Bug = {
  name: 'wrong-quorum',
  handle(host, message, reply, handle) {
    if (message.kind === 'append' && host.address === NODE_COUNT) reply(pretend(message))
    else handle(message, reply)
  },
}

/** A node takes batches of any writer. */
const noEpochCheck: Bug = {
  name: 'no-epoch-check',
  plan: { faults: { 'second writer': 3, partition: 1 }, faultEveryMs: 50 },
  handle(_, message, reply, handle) {
    const state = message.kind === 'append' ? stateOf(handle) : undefined
    if (state === undefined) return handle(message, reply)
    const { volumeEpoch, membershipEpoch } = state
    handle({ ...message, volumeEpoch, membershipEpoch }, reply)
  },
}

/** A truncation leaves the first record that it should annul. */
const truncationOffByOne: Bug = {
  name: 'truncation-off-by-one',
  handle(_, message, reply, handle) {
    if (message.kind !== 'truncate') return handle(message, reply)
    const annulled = message.annulled.map(({ timeline, ranges }) => ({
      timeline,
      ranges: ranges.map(({ above, upTo }) => ({ above: (above + ONE_RECORD_BYTES) as Lsn, upTo })),
    }))
    handle({ ...message, annulled }, reply)
  },
}

/** What was annulled is forgotten on disk, so that a peer that was not there then can bring it back. */
const gossipResurrects: Bug = {
  name: 'gossip-resurrects',
  plan: {
    faults: { 'node crash': 3, 'crash at write': 3, 'writer crash': 3, 'second writer': 3, partition: 3 },
    faultEveryMs: 40,
  },
  store(_, store) {
    return new Proxy(store, {
      get(target, property) {
        if (property !== 'truncate') return Reflect.get(target, property)
        return (truncations: Parameters<SegmentStore['truncate']>[0]) =>
          target.truncate(truncations.map((each) => ({ ...each, ranges: [] })))
      },
    })
  },
}

/** A node answers before what it answers for is on its disk. */
const earlyAcknowledgement: Bug = {
  name: 'early-acknowledgement',
  store(host, store) {
    host.disk.lies = true
    return store
  },
}

/** Where batches end, by node and timeline. */
const batchEnds = new WeakMap<Host, Map<TimelineId, Lsn[]>>()

function noteEnds(host: Host, { batches }: Append): void {
  const known = batchEnds.get(host) ?? new Map<TimelineId, Lsn[]>()
  batchEnds.set(host, known)
  for (const bytes of batches) {
    const { timeline, last } = readBatchHeader(Buffer.from(bytes))
    known.set(timeline, [...(known.get(timeline) ?? []), last])
  }
}

/** The batch right above the lowest read point is collected as well: what is read there is in none of what is left. */
const collectsOneTooMany: Bug = {
  name: 'collects-one-too-many',
  plan: {
    floorEveryMs: 30,
    readEveryMs: 5,
    durationMs: 1500,
    membershipEveryMs: Infinity,
    faultEveryMs: Infinity,
  },
  handle(host, message, reply, handle) {
    if (message.kind === 'append') noteEnds(host, message)
    if (message.kind !== 'read-floors') return handle(message, reply)
    const floors = message.floors.map(({ timeline, lsn }) => {
      const above = (batchEnds.get(host)?.get(timeline) ?? []).filter((last) => last > lsn)
      return { timeline, lsn: above.length === 0 ? lsn : (Math.min(...above) as Lsn) }
    })
    handle({ ...message, floors }, reply)
  },
}

/** While a member is being replaced, only the quorum with the candidate is asked for: the old member's word is not. */
const oneQuorumOnly: Bug = {
  name: 'one-quorum-only',
  plan: { membershipEveryMs: 60, durationMs: 3000 },
  handle(host, message, reply, handle) {
    const groups = message.kind === 'append' ? stateOf(handle)?.configuration?.groups : undefined
    const isLeaving = groups?.some(({ slots }) =>
      slots.some(({ member, candidate }) => member.node === host.address && candidate !== undefined),
    )
    if (isLeaving === true) reply(pretend(message as Append))
    else handle(message, reply)
  },
}

/** A timeline counts as durable when one of its groups is: groups above the first miss batches, and nobody minds. */
const highestPgcl: Bug = {
  name: 'highest-pgcl',
  handle(host, message, reply, handle) {
    if (message.kind !== 'append') return handle(message, reply)
    const kept = message.batches.filter((bytes) => {
      const { group, last } = readBatchHeader(Buffer.from(bytes))
      return group === 0 || (last / 8 + host.address) % 3 !== 0
    })
    const claimed = pretend(message)
    handle({ ...message, batches: kept }, (answer) => reply(answer.kind === 'appended' ? claimed : answer))
  },
}

/** All planted bugs. */
export const BUGS: readonly Bug[] = [
  wrongQuorum,
  noEpochCheck,
  truncationOffByOne,
  gossipResurrects,
  earlyAcknowledgement,
  collectsOneTooMany,
  oneQuorumOnly,
  highestPgcl,
]

/** The bug of that name. Throws when there is none. */
export function findBug(name: string): Bug {
  const bug = [NO_BUG, ...BUGS].find((each) => each.name === name)
  if (bug !== undefined) return bug
  throw new Error(`no bug is called ${name}; there are: ${BUGS.map((each) => each.name).join(', ')}`)
}
