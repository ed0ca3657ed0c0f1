// Changes of the configuration, one after the other, without a pause in writes.
//
//   rules of the old AND of the new ─▶ what was acknowledged is at a write quorum of the new as well
//                                   ─▶ the new configuration is at a write quorum of both ─▶ rules of the new
//
// So whoever recovers hears either no node of the new configuration, and by the old rules finds everything, or at least
// one, and finds everything by the new ones.

import type { Clock } from '../base/env.ts'
import { StorageError } from '../base/errors.ts'
import { LSN_ZERO } from '../base/ids.ts'
import type { Configuration } from '../message/configuration.ts'
import type { Agreement } from './agreement.ts'
import { nextMembershipEpoch } from './epochs.ts'
import type { Members } from './members.ts'
import type { NodeLink } from './node-link.ts'
import { bothRules, rulesOf } from './quorum.ts'
import type { Timelines } from './timelines.ts'

const LOOK_AGAIN_MS = 20
const ANSWER_TIMEOUT_MS = 500

export interface ReconfigurationEvents {
  /** Rules or targets changed. */
  changed(): void
  /** A node is no member any more. */
  left(link: NodeLink): void
  /** A node became a target: it shall join. */
  entered(link: NodeLink): void
}

export class Reconfiguration {
  readonly #members: Members
  readonly #timelines: Timelines
  readonly #agreement: Agreement
  readonly #clock: Clock
  readonly #timeoutMs: number
  readonly #events: ReconfigurationEvents
  #last: Promise<unknown> = Promise.resolve()
  #failure: StorageError | undefined

  constructor(
    parts: { members: Members; timelines: Timelines; agreement: Agreement; clock: Clock; timeoutMs: number },
    events: ReconfigurationEvents,
  ) {
    this.#members = parts.members
    this.#timelines = parts.timelines
    this.#agreement = parts.agreement
    this.#clock = parts.clock
    this.#timeoutMs = parts.timeoutMs
    this.#events = events
  }

  /**
   * Changes the configuration by `edit`, which may throw or return undefined (nothing to do). Resolves when the new one
   * is in force; rejects with StorageError 'no-quorum', and nothing changed, when that cannot be for too long.
   */
  change(edit: (current: Configuration) => Configuration | undefined): Promise<void> {
    const turn = this.#last.then(() => this.#change(edit))
    this.#last = turn.catch(() => undefined)
    return turn
  }

  async #change(edit: (current: Configuration) => Configuration | undefined): Promise<void> {
    const members = this.#members
    const current = members.configuration
    const edited = edit(current)
    if (edited === undefined) return
    const next = { ...edited, membershipEpoch: nextMembershipEpoch(current.membershipEpoch) }
    const before = members.targets
    members.prepare(next)
    members.follow(bothRules(rulesOf(current), rulesOf(next)))
    this.#events.changed()
    for (const link of members.targets) if (!before.includes(link)) this.#events.entered(link)
    const isGrowth = edited.geometryEpoch > current.geometryEpoch
    if (!isGrowth && !(await this.#untilCovered())) {
      members.adopt(current)
      this.#leave(members.targets, members.links)
      const detail = 'Nothing was changed.'
      throw (
        this.#failure ??
        new StorageError('no-quorum', 'too few storage nodes are whole for the change of members', detail)
      )
    }
    members.tell(next)
    await this.#agreement.carry((link) => link.configure(next))
    members.adopt(next)
    this.#leave(members.targets, members.links)
  }

  #leave(targets: readonly NodeLink[], links: readonly NodeLink[]): void {
    this.#events.changed()
    for (const link of links) {
      if (!targets.includes(link) && !this.#members.isSpare(link)) this.#events.left(link)
    }
  }

  /** Resolves true when what was acknowledged so far has met both rules, and a live quorum can be told. */
  async #untilCovered(): Promise<boolean> {
    const members = this.#members
    const acknowledged = new Map([...this.#timelines.tracked].map((log) => [log, log.vcl]))
    const untilMs = this.#clock.monotonicMs() + this.#timeoutMs
    for (;;) {
      if (this.#failure !== undefined) return false
      // Nodes forget dropped timelines that no branch needs.
      const needed = this.#timelines.needed()
      const isCovered = [...acknowledged].every(
        ([log, vcl]) => log.reached(members.quorum) >= Math.min(vcl, needed.get(log.timeline) ?? LSN_ZERO),
      )
      if (isCovered && members.quorum.holds(await this.#answering())) return true
      if (this.#clock.monotonicMs() >= untilMs) return false
      await new Promise<void>((resolve) => void this.#clock.after(LOOK_AGAIN_MS, resolve))
    }
  }

  /** Places of the live nodes that answer now, as bits: once some node was told, there is no way back. */
  async #answering(): Promise<number> {
    const live = this.#members.targets.filter(({ mode }) => mode === 'live')
    const answers = live.map(async (link) => {
      try {
        await link.request({ kind: 'read-floors', floors: [], ended: [] }, ANSWER_TIMEOUT_MS)
        return 1 << link.place
      } catch (error) {
        if (error instanceof StorageError) return 0
        throw error
      }
    })
    return (await Promise.all(answers)).reduce((mask, bit) => mask | bit, 0)
  }

  fail(error: StorageError): void {
    this.#failure ??= error
  }
}
