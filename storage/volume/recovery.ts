// Opening a volume, as far as it is asking nodes: from a set of addresses to what the new writer begins with.
//
//   query ─▶ newest configuration ─▶ its nodes as well ─▶ fence (epoch + 1) ─▶ a newer one? its nodes ─▶ plan
//            (read quorum)                  ▲              (read quorum; a write │ quorum where there is one)
//                                           └────────────────────────────────────┘
//
// After the fence of a read quorum no older writer can complete a batch: a write quorum meets it. The log is not
// replayed, and what is asked does not grow with it.
//
// What is found is a proposal. It may lie above all that was ever acknowledged, on one of the nodes that were heard, and a
// recovery that hears others would not find it. So a volume is settled, and what it shows can never go back, only when a
// write quorum has the truncation and all log up to the VDL (./refill.ts): every later read quorum meets that.

import type { Clock } from '../base/env.ts'
import { StorageError } from '../base/errors.ts'
import { asEpoch, FIRST_GROUP } from '../base/ids.ts'
import { type Configuration, type Member, SEGMENT_SIZE_BYTES_DEFAULT } from '../message/configuration.ts'
import type { NodeMessage, NodeState } from '../message/message.ts'
import { PROTOCOL_VERSION } from '../message/message.ts'
import { firstMembershipEpoch } from './epochs.ts'
import type { Members } from './members.ts'
import type { NodeLink, NodeRequest } from './node-link.ts'
import { quorumSizes, type Rule, rulesOf, satisfies, slotsOf } from './quorum.ts'
import { commonCluster, newestConfiguration, planRecovery, type RecoveryPlan } from './recovery-plan.ts'
import type { VolumeOptions } from './volume-options.ts'

/** Nodes beyond the quorum are waited for this long, so that an opening after a clean close sees all of them. */
const GRACE_MS = 250
/** A write quorum is waited for this long when a read quorum is there. */
const PATIENCE_MS = 1000
const REQUEST_TIMEOUT_MS = 15_000

export interface Recovered extends RecoveryPlan {
  /** Every node that may hold segments was heard. */
  readonly isComplete: boolean
  /** What nodes said when they were fenced. */
  readonly fenced: ReadonlyMap<NodeLink, NodeState>
}

type States = Map<NodeLink, NodeState>

/** Throws StorageError: 'no-quorum', 'corrupt', 'version', 'fenced', or what the nodes reported. */
export async function recover(members: Members, options: VolumeOptions): Promise<Recovered> {
  const queried = await queryAll(members, options)
  options.onStep?.('queried')
  const before = [...queried.values()]
  const known = newestConfiguration(before)
  const base = known ?? freshConfiguration(options)
  const { writeCount, nodeCount, readCount } = base.quorum
  const asked = options.quorum
  if (nodeCount !== asked.nodeCount || writeCount !== asked.writeCount || readCount !== asked.readCount) {
    const theirs = `${nodeCount},${writeCount},${readCount}`
    const ours = `${asked.nodeCount},${asked.writeCount},${asked.readCount}`
    throw new StorageError('version', `the volume has a quorum of ${theirs}, not ${ours}`)
  }
  members.clusterId = commonCluster(before) || options.newClusterId
  members.volumeEpoch = asEpoch(Math.max(...before.map((state) => state.volumeEpoch)) + 1)
  const fenced = await fenceNewest(members, options, base, queried)
  options.onStep?.('fenced')
  const sound = soundStates(members, fenced)
  const isComplete = sound.length === members.targets.length
  return { ...planRecovery(sound, isComplete), isComplete, fenced }
}

/**
 * Fences the nodes of the newest configuration that there is. Until it is fenced, an older writer may grow the volume or
 * change its members behind what was queried: what the nodes say once they are fenced counts, and is fenced in turn.
 */
async function fenceNewest(
  members: Members,
  options: VolumeOptions,
  queriedBase: Configuration,
  queried: States,
): Promise<States> {
  const { clusterId, volumeEpoch } = members
  const isFresh = newestConfiguration([...queried.values()]) === undefined
  const membershipEpoch = firstMembershipEpoch(volumeEpoch)
  let base = queriedBase
  for (;;) {
    const spares = sparesOf(base, options.nodes, queried)
    members.adopt(readdress({ ...base, clusterId, membershipEpoch, spares }, options.nodes))
    for (const link of members.links) link.volumeEpoch = volumeEpoch
    const fenced = await fenceAll(members, options.clock, isFresh)
    const newest = newestConfiguration([...fenced.values()])
    if (newest === undefined || newest.membershipEpoch <= base.membershipEpoch) return fenced
    base = newest
  }
}

/** Asks every node, and those that the newest configuration names, until a read quorum of it has answered. */
async function queryAll(members: Members, options: VolumeOptions): Promise<States> {
  const states: States = new Map()
  let links: readonly NodeLink[] = options.nodes.map((member) => members.connect(member))
  for (;;) {
    const unheard = links.filter((link) => !states.has(link))
    const newest = newestConfiguration([...states.values()])
    const rules = rulesOf(newest ?? freshConfiguration(options))
    // Of a new volume a write quorum must be there; of one that exists, a read quorum tells what it is.
    const rule = newest === undefined && states.size > 0 ? rules.write : rules.read
    await ask(unheard, options.clock, { kind: 'query' }, states, { needed: rule, wanted: rules.write })
    for (const state of states.values()) checkProtocol(state)
    const found = newestConfiguration([...states.values()])
    if (found === undefined) return states
    links = slotsOf(found)
      .flatMap(({ member, candidate }) => (candidate === undefined ? [member] : [member, candidate]))
      .map((member) => members.connect(member))
    const holds = satisfies(rulesOf(found).read, (node) => [...states.keys()].some(({ id }) => id === node))
    if (holds || links.every((link) => states.has(link))) return states
  }
}

function checkProtocol(state: NodeState): void {
  if (state.protocol === PROTOCOL_VERSION) return
  throw new StorageError('version', `a node speaks protocol ${state.protocol}, expected ${PROTOCOL_VERSION}`)
}

/** What a volume that does not exist yet will be. */
function freshConfiguration(options: VolumeOptions): Configuration {
  const { nodes, quorum } = options
  const first = nodes.slice(0, quorum.nodeCount)
  if (first.length < quorum.nodeCount) {
    throw new StorageError(
      'no-quorum',
      `${first.length} storage nodes are given, ${quorum.nodeCount} are needed`,
    )
  }
  return {
    clusterId: options.newClusterId,
    membershipEpoch: asEpoch(0),
    geometryEpoch: asEpoch(1),
    segmentSizeBytes: options.segmentSizeBytes ?? SEGMENT_SIZE_BYTES_DEFAULT,
    quorum: quorumSizes(quorum, first),
    zonesAway: [],
    groups: [{ group: FIRST_GROUP, slots: first.map((member) => ({ member, candidate: undefined })) }],
    spares: nodes.slice(quorum.nodeCount),
  }
}

/** Nodes that are given and unknown become spares, if they said that they hold nothing. */
function sparesOf(base: Configuration, given: readonly Member[], states: States): readonly Member[] {
  const known = new Set(slotsOf(base).flatMap(({ member, candidate }) => [member.node, candidate?.node]))
  for (const { node } of base.spares) known.add(node)
  const empty = [...states].filter(([, state]) => isEmpty(state)).map(([link]) => link.id)
  return [...base.spares, ...given.filter(({ node }) => !known.has(node) && empty.includes(node))]
}

/** Whether a node never had anything of a volume: of what was dropped, the number stays. */
export function isEmpty({ born, timelines, dead }: NodeState): boolean {
  return born.length === 0 && timelines.length === 0 && dead.length === 0
}

/** Addresses as they are given now. */
function readdress(configuration: Configuration, given: readonly Member[]): Configuration {
  const addresses = new Map(given.map(({ node, address }) => [node, address]))
  const moved = (member: Member): Member => ({
    ...member,
    address: addresses.get(member.node) ?? member.address,
  })
  return {
    ...configuration,
    groups: configuration.groups.map(({ group, slots }) => ({
      group,
      slots: slots.map(({ member, candidate }) => ({
        member: moved(member),
        candidate: candidate && moved(candidate),
      })),
    })),
    spares: configuration.spares.map(moved),
  }
}

async function fenceAll(members: Members, clock: Clock, isFresh: boolean): Promise<States> {
  const { clusterId, writer, targets, configuration } = members
  const rules = rulesOf(configuration)
  // A volume that is being born is written at once.
  const needed = isFresh ? rules.write : rules.read
  const states: States = new Map()
  await ask(targets, clock, { kind: 'fence', clusterId, writer }, states, { needed, wanted: rules.write })
  return states
}

/** The states that can be believed to hold all they acknowledged. */
function soundStates(members: Members, states: States): NodeState[] {
  const sound = [...states].filter(([, state]) => state.damage === undefined)
  const { read } = rulesOf(members.configuration)
  const isSound = (node: number): boolean => sound.some(([link]) => link.id === node)
  if (satisfies(read, isSound)) return sound.map(([, state]) => state)
  const damage = [...states.values()].flatMap((state) => state.damage ?? [])
  throw new StorageError('corrupt', `too few storage nodes are sound: ${damage.join('; ')}`)
}

interface Wish {
  /** Without an answer of so many it fails. */
  readonly needed: Rule
  /** So many are waited for a while. */
  readonly wanted: Rule
}

/** Asks all; resolves with `states` filled in. Throws when what is needed cannot be had. */
function ask(
  links: readonly NodeLink[],
  clock: Clock,
  request: NodeRequest,
  states: States,
  { needed, wanted }: Wish,
): Promise<void> {
  return new Promise((resolve, reject) => {
    const errors: StorageError[] = []
    let open = links.length
    let deadline: (() => void) | undefined
    let isGrace = false
    const has = (node: number): boolean => [...states.keys()].some(({ id }) => id === node)
    const settled = (): void => {
      if (open === 0) {
        deadline?.()
        const refused = errors.find(({ kind }) => kind === 'fenced')
        if (refused === undefined && satisfies(needed, has)) return resolve()
        return reject(refused ?? refusal(errors, states.size, links.length, needed))
      }
      if (!satisfies(needed, has)) return
      const mayEnd = satisfies(wanted, has)
      if (deadline !== undefined && (!mayEnd || isGrace)) return
      deadline?.()
      isGrace = mayEnd
      deadline = clock.after(mayEnd ? GRACE_MS : PATIENCE_MS, resolve)
    }
    for (const link of links) {
      link.request(request, REQUEST_TIMEOUT_MS).then(
        (answer: NodeMessage) => {
          if (answer.kind === 'state') states.set(link, answer.state)
          open--
          settled()
        },
        (error: unknown) => {
          errors.push(error instanceof StorageError ? error : new StorageError('io', String(error)))
          open--
          settled()
        },
      )
    }
    if (links.length === 0) settled()
  })
}

/** One error for many: what a node named is worth more than the count. */
function refusal(errors: readonly StorageError[], heard: number, asked: number, needed: Rule): StorageError {
  const count = Math.max(...needed.map((clause) => Math.min(...clause.map((each) => each.count))))
  const message = `${heard} of ${asked} storage nodes answer, ${count} are needed`
  const telling = errors.find(({ kind }) => kind !== 'io' && kind !== 'no-quorum') ?? errors[0]
  if (telling === undefined) return new StorageError('no-quorum', message)
  const kind = telling.kind === 'io' ? 'no-quorum' : telling.kind
  return new StorageError(kind, `${message}: ${telling.message}`)
}
