// Backs up a volume: each node runs an archiver, which for the groups that are its duty copies the log to the object
// store as it comes, now and then a base (everything the node holds of the group), and drops what is older than the
// backup's retention.
//
//   tick ─▶ for each group of this node: mine? ──no──▶ look again later
//                                         │yes (position/g<n> names this node and is renewed at each tick)
//                                         ├─▶ base, when there is none or the last is old
//                                         ├─▶ log objects, until caught up
//                                         └─▶ prune
//
// Invariants. A position that was ever written is true: what it says is archived. So two nodes that both believe in
// their duty, around a takeover, do no harm: they archive the same twice. What is archived may lie above the VDL; what
// recovery annuls of it is said by the timelines' annulled ranges, which are archived too.

import { must } from '../base/assert.ts'
import type { Clock } from '../base/env.ts'
import { StorageError } from '../base/errors.ts'
import type { GroupNo, Lsn, TimelineId } from '../base/ids.ts'
import type { Configuration } from '../message/configuration.ts'
import type { SegmentState, TimelineState } from '../message/message.ts'
import { copyBase } from './base-copy.ts'
import {
  type ArchivePosition,
  ARCHIVE_VERSION,
  CLUSTER_NAME,
  type ClusterRecord,
  decodeRecord,
  encodeRecord,
  logName,
  positionName,
} from './format.ts'
import { ObjectWriter } from './object-writer.ts'
import type { ObjectStore } from './object-store.ts'
import { prune } from './prune.ts'
import { groupsOf, type LocalNode, reachOf, SegmentReader } from './segment-reader.ts'

export interface ArchiverOptions {
  readonly store: ObjectStore
  readonly local: LocalNode
  readonly clock: Clock
  /** How long the archive may trail the log. */
  readonly intervalMs: number
  readonly baseIntervalMs: number
  /** How far back a restore shall reach: 1 to 35 days. */
  readonly retentionMs: number
  /** Something failed that will be tried again. */
  readonly warn: (error: StorageError) => void
}

/** A duty that is not renewed for this long is up for anyone. */
const DUTY_MS_MIN = 20_000
const LOG_SLICE_BYTES = 1024 * 1024
const OBJECT_SIZE_BYTES = 8 * 1024 * 1024

/** What an archiver knows of a group that is its duty. */
interface Duty {
  readonly group: GroupNo
  sequence: number
  baseMicros: number
  readonly archived: Map<TimelineId, Lsn>
  /** Of the node's movements, what was looked at. */
  seen: number
  /** Timelines whose state is not in any object of this duty yet. */
  readonly untold: Map<TimelineId, TimelineState>
  /** Segments that have more than is archived. */
  readonly behind: Set<TimelineId>
  /** Segments whose begin is not in any object yet. */
  readonly unbegun: Map<TimelineId, SegmentState>
}

export class Archiver {
  readonly #options: ArchiverOptions
  readonly #reader: SegmentReader
  readonly #duties = new Map<GroupNo, Duty>()
  #clusterRecorded = false
  #cancel: (() => void) | undefined
  #running: Promise<void> | undefined
  #stopped = false

  constructor(options: ArchiverOptions) {
    this.#options = options
    this.#reader = new SegmentReader(options.local)
  }

  start(): void {
    this.#schedule()
  }

  /** Stops after what is under way; a last round when `settle`. */
  async stop(settle: boolean): Promise<void> {
    this.#stopped = true
    this.#cancel?.()
    await this.#running
    if (settle) await this.#round()
    this.#options.store.close()
  }

  #schedule(): void {
    if (this.#stopped) return
    this.#cancel = this.#options.clock.after(this.#options.intervalMs, () => {
      this.#running = this.#round().finally(() => {
        this.#running = undefined
        this.#schedule()
      })
    })
  }

  /** One look at everything; failures are told and tried again at the next. */
  async #round(): Promise<void> {
    try {
      const configuration = this.#reader.configuration()
      if (configuration === undefined) return
      await this.#recordCluster(configuration)
      for (const group of groupsOf(configuration, this.#reader.node)) await this.#work(group)
    } catch (error) {
      if (!(error instanceof StorageError)) throw error
      // What was in memory may be ahead of what was written.
      this.#duties.clear()
      this.#options.warn(error)
    }
  }

  async #recordCluster(configuration: Configuration): Promise<void> {
    if (this.#clusterRecorded) return
    const { store } = this.#options
    const { clusterId, segmentSizeBytes } = configuration
    const bytes = await store.get(CLUSTER_NAME)
    if (bytes === undefined) {
      await store.put(CLUSTER_NAME, encodeRecord({ version: ARCHIVE_VERSION, clusterId, segmentSizeBytes }))
    } else if (decodeRecord<ClusterRecord>(bytes, CLUSTER_NAME).clusterId !== clusterId) {
      throw new StorageError('not-writable', `${store.where} holds the backup of another cluster`)
    }
    this.#clusterRecorded = true
  }

  async #work(group: GroupNo): Promise<void> {
    const duty = await this.#takeDuty(group)
    if (duty === undefined) return
    this.#look(duty)
    const baseAgeMs = (this.#options.clock.wallMicros() - duty.baseMicros) / 1000
    if (duty.baseMicros === 0 || baseAgeMs >= this.#options.baseIntervalMs) await this.#base(duty)
    await this.#log(duty)
    await this.#renew(duty)
  }

  /** The group's duty if it is this node's, or nobody's by now. */
  async #takeDuty(group: GroupNo): Promise<Duty | undefined> {
    const { store, clock } = this.#options
    const name = positionName(group)
    const bytes = await store.get(name)
    const position = bytes === undefined ? undefined : decodeRecord<ArchivePosition>(bytes, name)
    if (position !== undefined && position.node !== this.#reader.node) {
      this.#duties.delete(group)
      if (position.untilMicros > clock.wallMicros()) return undefined
    }
    const known = this.#duties.get(group)
    if (known !== undefined) return known
    const duty: Duty = {
      group,
      sequence: position?.sequence ?? 0,
      baseMicros: position?.baseMicros ?? 0,
      archived: new Map(position?.segments.map(([timeline, lsn]) => [timeline as TimelineId, lsn as Lsn])),
      seen: 0,
      untold: new Map(),
      behind: new Set(),
      unbegun: new Map(),
    }
    this.#duties.set(group, duty)
    await this.#renew(duty)
    return duty
  }

  async #renew(duty: Duty): Promise<void> {
    const { store, clock, intervalMs } = this.#options
    const wallMicros = clock.wallMicros()
    const position: ArchivePosition = {
      node: this.#reader.node,
      untilMicros: wallMicros + Math.max(DUTY_MS_MIN, intervalMs * 4) * 1000,
      sequence: duty.sequence,
      wallMicros,
      baseMicros: duty.baseMicros,
      segments: [...duty.archived],
    }
    await store.put(positionName(duty.group), encodeRecord(position))
  }

  /** Notes what moved on the node since the last look. */
  #look(duty: Duty): void {
    const { sequence, timelines, segments } = this.#reader.movement(duty.seen)
    duty.seen = sequence
    for (const state of timelines) duty.untold.set(state.birth.id, state)
    for (const segment of segments) {
      const { timeline, group, scl, logAfter } = segment
      if (group !== duty.group) continue
      const archived = duty.archived.get(timeline)
      if (archived === undefined) {
        // Born after the last base, or there is none: then what comes before `logAfter` is in the next one.
        if (duty.baseMicros > 0) {
          duty.archived.set(timeline, logAfter)
          duty.unbegun.set(timeline, segment)
        }
      }
      if (scl > (archived ?? logAfter)) duty.behind.add(timeline)
    }
  }

  async #base(duty: Duty): Promise<void> {
    const { store, clock } = this.#options
    const reached = await copyBase({ store, clock, reader: this.#reader, ...duty })
    duty.baseMicros = clock.wallMicros()
    for (const [timeline, lsn] of reached) {
      if (lsn > (duty.archived.get(timeline) ?? -1)) duty.archived.set(timeline, lsn)
    }
    await this.#renew(duty)
    await prune(store, duty.group, duty.baseMicros - this.#options.retentionMs * 1000)
  }

  /** Archives the log of the group's segments, object by object, until it has caught up with what was seen. */
  async #log(duty: Duty): Promise<void> {
    while (duty.behind.size > 0 || duty.untold.size > 0) {
      const { clusterId } = this.#configuration()
      const writer = new ObjectWriter({ clusterId, group: duty.group, timelines: [...duty.untold.values()] })
      const reached = this.#gather(duty, writer)
      if (writer.isEmpty) return
      const bytes = writer.close(this.#options.clock.wallMicros())
      await this.#options.store.put(logName(duty.group, duty.sequence + 1, this.#reader.node), bytes)
      duty.sequence++
      for (const [timeline, lsn] of reached) {
        duty.archived.set(timeline, lsn)
        duty.unbegun.delete(timeline)
      }
      duty.untold.clear()
    }
  }

  /** Fills an object with log; returns how far each timeline is archived once the object is stored. */
  #gather(duty: Duty, writer: ObjectWriter): ReadonlyMap<TimelineId, Lsn> {
    const reached = new Map<TimelineId, Lsn>()
    for (const timeline of duty.behind) {
      while (writer.size < OBJECT_SIZE_BYTES) {
        const after =
          reached.get(timeline) ?? must(duty.archived.get(timeline), 'archived from birth or base on')
        const batches = this.#slice(duty, timeline, after)
        if (batches.length === 0) {
          duty.behind.delete(timeline)
          break
        }
        writer.addRun(
          timeline,
          after,
          batches,
          reached.has(timeline) ? undefined : duty.unbegun.get(timeline),
        )
        reached.set(timeline, reachOf(batches, after))
      }
    }
    return reached
  }

  #slice(duty: Duty, timeline: TimelineId, after: Lsn): readonly Buffer[] {
    try {
      return this.#reader.log({ timeline, group: duty.group }, after, LOG_SLICE_BYTES)
    } catch (error) {
      if (!(error instanceof StorageError) || error.kind !== 'out-of-window') throw error
      // Collected before it was archived (the archive was out of reach for long): only a base can tell what is there.
      duty.baseMicros = 0
      return []
    }
  }

  #configuration(): Configuration {
    const configuration = this.#reader.configuration()
    if (configuration === undefined) throw new StorageError('io', 'the node belongs to no cluster')
    return configuration
  }
}
