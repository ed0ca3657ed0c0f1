// A volume grows when a record reaches for a page beyond its last group, a timeline when one reaches for a page of a
// group in which it has no segment.
//
//   TimelineWriter.append ─▶ openGroup ─▶ group there? ─no─▶ new geometry epoch, at a write quorum
//                                              └▶ open-segment, at a write quorum ─▶ TimelineWriter.opened ─▶ its flush goes
//
// Only that flush waits.

import type { GroupNo } from '../base/ids.ts'
import { asEpoch } from '../base/ids.ts'
import type { Configuration } from '../message/configuration.ts'
import type { Agreement } from './agreement.ts'
import type { Members } from './members.ts'
import { slotsOf } from './quorum.ts'
import type { Reconfiguration } from './reconfiguration.ts'
import type { TimelineWriter } from './timeline-log.ts'
import type { Timelines } from './timelines.ts'

export class Growth {
  readonly #members: Members
  readonly #timelines: Timelines
  readonly #agreement: Agreement
  readonly #reconfiguration: Reconfiguration

  constructor(parts: {
    members: Members
    timelines: Timelines
    agreement: Agreement
    reconfiguration: Reconfiguration
  }) {
    this.#members = parts.members
    this.#timelines = parts.timelines
    this.#agreement = parts.agreement
    this.#reconfiguration = parts.reconfiguration
  }

  /** Resolves when the timeline has a segment in the group, or the volume failed. Nothing of the log is sent meanwhile. */
  async open(log: TimelineWriter, group: GroupNo): Promise<void> {
    try {
      await this.#appendGroups(group)
      // What was sent of a mini-transaction that has not ended has no record in the group.
      const { timeline, sentConsistent: after } = log
      const open = { group, after }
      log.announce(open)
      this.#timelines.version++
      await this.#agreement.spread({ kind: 'open-segment', timeline, ...open })
      log.opened(open)
    } catch {
      // The volume failed, and with it the log: whoever waits for that was told.
    }
  }

  #appendGroups(upTo: GroupNo): Promise<void> {
    if (upTo < this.#members.configuration.groups.length) return Promise.resolve()
    return this.#reconfiguration.change((current) =>
      upTo < current.groups.length ? undefined : grown(current, upTo),
    )
  }
}

function grown(current: Configuration, upTo: GroupNo): Configuration {
  const slots = slotsOf(current)
  const added = Array.from({ length: upTo + 1 - current.groups.length }, (_, at) => ({
    group: (current.groups.length + at) as GroupNo,
    slots,
  }))
  return {
    ...current,
    geometryEpoch: asEpoch(current.geometryEpoch + 1),
    groups: [...current.groups, ...added],
  }
}
