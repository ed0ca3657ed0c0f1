// Opening a volume: from a set of nodes to a writer's starting point.
//
//   query ─▶ fence (epoch + 1, on a write quorum) ─▶ plan ─▶ truncate (write quorum) ─▶ bring a write quorum to the VDL
//                                                                                        laggards: in the background
//
// After the fence no older writer can complete a batch. After the truncation nothing above the VDL exists. Only then is
// anything read or written. The log is not replayed.

import type { Clock } from '../base/env.ts'
import { StorageError } from '../base/errors.ts'
import { asEpoch, type Epoch } from '../base/ids.ts'
import type { NodeMessage, NodeState, TimelineState } from '../message/message.ts'
import { PROTOCOL_VERSION } from '../message/message.ts'
import type { NodeLink, NodeRequest } from './node-link.ts'
import type { Quorum } from './quorum.ts'
import { commonCluster, planRecovery, type TimelinePlan } from './recovery-plan.ts'

/** Nodes beyond the quorum are waited for this long, so that an opening after a clean close sees all of them. */
const GRACE_MS = 250
const REQUEST_TIMEOUT_MS = 15_000

export interface Recovered {
  readonly clusterId: string
  readonly volumeEpoch: Epoch
  readonly plans: readonly TimelinePlan[]
  /** States after the fence, of nodes that were truncated: by index in the volume. */
  readonly joined: ReadonlyMap<number, NodeState>
}

interface Answer<T> {
  readonly node: number
  readonly value: T
}

/** Throws StorageError: 'no-quorum', 'corrupt', 'version', 'fenced', or what the nodes reported. */
export async function recover(
  links: readonly NodeLink[],
  quorum: Quorum,
  clock: Clock,
  newClusterId: string,
): Promise<Recovered> {
  const queried = await ask(links, quorum.readCount, clock, { kind: 'query' })
  const before = queried.map(({ value }) => stateOf(value))
  for (const state of before) {
    if (state.protocol === PROTOCOL_VERSION) continue
    throw new StorageError(
      'version',
      `a node speaks protocol ${state.protocol}, expected ${PROTOCOL_VERSION}`,
    )
  }
  const clusterId = commonCluster(before) || newClusterId
  const volumeEpoch = asEpoch(Math.max(...before.map((state) => state.volumeEpoch)) + 1)
  const membershipEpoch = asEpoch(Math.max(...before.map((state) => state.membershipEpoch)))
  for (const link of links) Object.assign(link, { volumeEpoch, membershipEpoch })

  const fenced = await ask(links, quorum.writeCount, clock, { kind: 'fence', clusterId })
  const states = new Map(fenced.map(({ node, value }) => [node, stateOf(value)]))
  const plans = planRecovery(soundStates(states, quorum), quorum.nodeCount)
  const joins = [...states].map(async ([node, state]) => {
    const link = links[node]
    if (link !== undefined) await alignNode(link, state, plans)
  })
  const aligned = await Promise.allSettled(joins)
  const joined = new Map([...states].filter((_, index) => aligned[index]?.status === 'fulfilled'))
  if (joined.size < quorum.writeCount)
    throw firstFailure(aligned, `only ${joined.size} nodes took the new epoch`)
  return { clusterId, volumeEpoch, plans, joined }
}

/** The states that can be believed to hold all they acknowledged. */
function soundStates(states: ReadonlyMap<number, NodeState>, quorum: Quorum): NodeState[] {
  const sound = [...states.values()].filter((state) => state.damage === undefined)
  if (sound.length >= quorum.readCount) return sound
  const damage = [...states.values()].flatMap((state) => state.damage ?? [])
  throw new StorageError('corrupt', `too few storage nodes are sound: ${damage.join('; ')}`)
}

/** Gives a fenced node the timelines that it misses and takes from it what was annulled. */
export async function alignNode(
  link: NodeLink,
  state: NodeState,
  plans: readonly TimelinePlan[],
): Promise<void> {
  const known = new Map<number, TimelineState>(
    state.timelines.map((timeline) => [timeline.timeline, timeline]),
  )
  for (const { birth, dropped } of plans) {
    const held = known.get(birth.id)
    if (held === undefined) await link.request({ kind: 'create-timeline', birth }, REQUEST_TIMEOUT_MS)
    const drop = { kind: 'drop-timeline', timeline: birth.id } as const
    if (dropped && held?.dropped !== true) await link.request(drop, REQUEST_TIMEOUT_MS)
  }
  const annulled = plans
    .filter((plan) => plan.annulled.length > 0)
    .map((plan) => ({ timeline: plan.birth.id, ranges: plan.annulled }))
  if (annulled.length > 0) await link.request({ kind: 'truncate', annulled }, REQUEST_TIMEOUT_MS)
}

/** Asks all and waits for `needed` answers, and a little longer for the rest. Throws when so many cannot be had. */
function ask(
  links: readonly NodeLink[],
  needed: number,
  clock: Clock,
  request: NodeRequest,
): Promise<readonly Answer<NodeMessage>[]> {
  return new Promise((resolve, reject) => {
    const answers: Answer<NodeMessage>[] = []
    const errors: StorageError[] = []
    let cancelGrace: (() => void) | undefined
    const finish = (): void => {
      cancelGrace?.()
      resolve([...answers])
    }
    const settled = (): void => {
      if (answers.length + errors.length === links.length) {
        if (answers.length >= needed) finish()
        else
          reject(
            refusal(
              errors,
              `${answers.length} of ${links.length} storage nodes answer, ${needed} are needed`,
            ),
          )
      } else if (answers.length >= needed) cancelGrace ??= clock.after(GRACE_MS, finish)
    }
    for (const [node, link] of links.entries()) {
      link.request(request, REQUEST_TIMEOUT_MS).then(
        (value) => {
          answers.push({ node, value })
          settled()
        },
        (error: unknown) => {
          errors.push(error instanceof StorageError ? error : new StorageError('io', String(error)))
          settled()
        },
      )
    }
  })
}

/** One error for many: what a node named is worth more than the count. */
function refusal(errors: readonly StorageError[], message: string): StorageError {
  const telling = errors.find(({ kind }) => kind !== 'io' && kind !== 'no-quorum') ?? errors[0]
  if (telling === undefined) return new StorageError('no-quorum', message)
  return new StorageError(
    telling.kind === 'io' ? 'no-quorum' : telling.kind,
    `${message}: ${telling.message}`,
  )
}

function firstFailure(results: readonly PromiseSettledResult<void>[], message: string): StorageError {
  const errors = results.flatMap((result) => (result.status === 'rejected' ? [result.reason as unknown] : []))
  return refusal(
    errors.filter((error) => error instanceof StorageError),
    message,
  )
}

function stateOf(answer: NodeMessage): NodeState {
  if (answer.kind === 'state') return answer.state
  throw new StorageError('io', `a node answered a query with ${answer.kind}`)
}
