// The door of the volume: what the engine sees of storage. A volume keeps the logs of many timelines on a quorum of
// storage nodes and answers for any page at any LSN. The engine never writes a page.
//
//   engine ──begin/append/end──▶ log writer ══batches══▶ six nodes        LSNs of one timeline:
//          ◀──── onDurable ───── VDL  ◀══ SCLs ═════════                   VDL ≤ VCL ≤ tail ≤ VCL + LAL
//
// Invariants: VDL and VCL never go back. An LSN is given out once. `append` never waits: whoever writes first asks
// `reserve`. A timeline's records reach storage in LSN order.

import type { Epoch, GroupNo, Lsn, PageNo, TimelineId } from '../base/ids.ts'
import type { Configuration, Member } from '../message/configuration.ts'
import type { CommitRecord, Fault, TimelineSize } from '../message/message.ts'

/** A timeline as the volume knows it. `parent` is undefined for a root. */
export interface TimelineInfo {
  readonly id: TimelineId
  readonly parent: { readonly timeline: TimelineId; readonly lsn: Lsn } | undefined
  /** Wall time of its creation, microseconds since 1970. */
  readonly createdMicros: number
}

/** A commit: the LSN of its record, a state that can be read, and its wall time in microseconds since 1970. */
export interface CommitPoint {
  readonly lsn: Lsn
  readonly wallMicros: number
}

export interface Volume {
  readonly volumeEpoch: Epoch
  /** True when the volume had no timeline yet when it was opened: the caller bootstraps. */
  readonly isNew: boolean
  /**
   * Whether a write quorum holds all that recovery found: from then on no VDL goes back, whatever is lost. An opening that
   * meets a read quorum only is not settled before more nodes are back. Until then it can be read, not written, and what
   * is read has been on a storage node, but another recovery, from other nodes, may decide that it never was durable.
   */
  readonly isSettled: boolean
  /** Resolves when it is settled; rejects with StorageError when the volume fails or is closed before. */
  untilSettled(): Promise<void>

  timelines(): readonly TimelineInfo[]
  /** A timeline by its number, a dropped one included as long as something is known of it. Takes no search. */
  timeline(id: TimelineId): TimelineInfo | undefined
  /**
   * Creates a branch of `parent` at `lsn` (a consistency point at or below the parent's tail) or a root. Resolves when a
   * write quorum has it on disk. No page is copied; its first LSN is lsn + 1, rounded up to 8. `numbered` is called with
   * its number before that, once it is known: what is written meanwhile may name it, but must not be relied on. Rejects
   * with StorageError 'no-quorum' when there is no write quorum for too long: without `numbered` called nothing happened,
   * otherwise the outcome is unknown until there is one.
   */
  createTimeline(
    parent: { timeline: TimelineId; lsn: Lsn } | undefined,
    numbered?: (id: TimelineId) => void,
  ): Promise<TimelineId>
  /**
   * Forgets a timeline; what its children still read stays. Resolves when a write quorum has it on disk. Rejects with
   * StorageError 'no-quorum' when there is none for too long: it may have happened all the same, or happen later.
   */
  dropTimeline(timeline: TimelineId): Promise<void>
  /** Opens a timeline for reading and writing; the log handle is the same object at every call, until it is released. */
  log(timeline: TimelineId): TimelineLog
  /**
   * Whoever called `log` does not use the handle any more: an idle timeline is a row of numbers. `log` opens it again. What
   * was appended still becomes durable, and is told to those who wait for it.
   */
  release(timeline: TimelineId): void
  /** TimelineLog.vdl, without opening the timeline. */
  vdlOf(timeline: TimelineId): Lsn

  /** Lowest read point anyone still needs on a timeline (PGMRPL): storage may coalesce below it. */
  setReadFloor(timeline: TimelineId, lsn: Lsn): void

  /**
   * The newest durable commit at or before a wall time (microseconds since 1970) and at or below an LSN (default: any),
   * on a timeline, dropped ones included, or its ancestors; undefined if there is none. Rejects with StorageError.
   */
  commitAt(timeline: TimelineId, wallMicros: number, below?: Lsn): Promise<CommitPoint | undefined>

  /**
   * The pages with records in (above, upTo] of a timeline's own log (its ancestors' left out), each once. `upTo` is
   * durable. Rejects with StorageError.
   */
  changedPages(timeline: TimelineId, above: Lsn, upTo: Lsn): Promise<ReadonlySet<PageNo>>
  /** The commit that wrote the record at `lsn` of a timeline's own log. Rejects with StorageError. */
  commitOf(timeline: TimelineId, lsn: Lsn): Promise<CommitRecord | undefined>

  /** Wall time (microseconds since 1970) of the newest commit at or below an LSN, ancestors included; 0 if there is none. */
  timeAtLsn(timeline: TimelineId, lsn: Lsn): Promise<number>

  /**
   * Creates several branches with one round trip; as createTimeline each. Waits for the parents' LSNs to be durable. (Those
   * that are created one by one while a round trip is under way share the next, too.)
   */
  createTimelines(
    parents: readonly ({ timeline: TimelineId; lsn: Lsn } | undefined)[],
  ): Promise<readonly TimelineId[]>

  /**
   * What these timelines take in storage: one copy of each, its own part only; nothing of those that take nothing. Rejects
   * with StorageError.
   */
  sizes(timelines: readonly TimelineId[]): Promise<readonly TimelineSize[]>

  /** Every segment of the volume, asked of the nodes that answer; those that do not are there with `alive` false. */
  segments(): Promise<readonly SegmentStatus[]>

  /** The groups, their members and quorums as they are now. */
  readonly configuration: Configuration
  /**
   * Begins the replacement of a node by a spare in all its slots: the candidate is filled by its peers while writes need
   * both quorums. Resolves when it is begun; the volume ends it by itself once the candidate is whole.
   */
  replaceNode(node: number, spare: Member): Promise<void>
  /** Turns back a replacement that has not ended. */
  revertReplacement(node: number): Promise<void>
  /** Registers a node that holds nothing as a spare. */
  addSpare(spare: Member): Promise<void>
  /** Takes a zone that is away for long out of the quorum (3 of 4 write), or back in. */
  setZoneAway(zone: string, away: boolean): Promise<void>
  /** Lets a fault happen to a node; see Fault. */
  inject(node: number, fault: Fault): Promise<void>

  status(): VolumeStatus
  /** Sends what is buffered, waits for it, closes the nodes. */
  close(): Promise<void>
}

/** The log of one timeline, from its branch point on. */
export interface TimelineLog {
  readonly timeline: TimelineId
  /** Highest consistency point that is durable. */
  readonly vdl: Lsn
  /** Every record up to here met its quorum. A page with pageLsn ≤ vcl may leave the buffer pool. */
  readonly vcl: Lsn
  /** LSN the next record will get. */
  readonly tail: Lsn

  /** Whether `bytes` more of log may be appended now (tail + bytes ≤ VCL + LAL). If not, suspend on `room()`. */
  hasRoom(bytes: number): boolean
  room(): Promise<void>

  /**
   * Appends one encoded record (see ../log/record.ts for the format; the caller filled the header with
   * lsn === this.tail). The bytes are copied before the call returns. `endsMtr` marks the consistency point. Records
   * travel to storage at the end of the current turn of the event loop, together with those of all other sessions.
   */
  append(record: Uint8Array, offset: number, length: number, endsMtr: boolean): void

  /** Calls back once VDL ≥ lsn (or with the error that makes that unknown). Calls at once if it already is. */
  onDurable(lsn: Lsn, callback: (error?: Error) => void): void

  /**
   * The image of a page at the newest version ≤ lsn, asked of one segment with SCL ≥ lsn; resolved through the
   * timeline's ancestors. The buffer is PAGE_SIZE_BYTES long and the caller's to keep. A page that was never written is
   * all zeroes. `lsn` must be ≤ vcl (on the timeline's own part of the log).
   */
  readPage(page: PageNo, lsn: Lsn): Promise<Uint8Array>
}

/** Figures for `borealis.volume` and the tests; counters count since the volume was opened. */
export interface VolumeStatus {
  readonly nodes: readonly NodeStatus[]
  readonly batchesSent: number
  /** Messages to and from storage nodes, all copies counted. */
  readonly messagesSent: number
  readonly messagesReceived: number
  /** Messages with batches, all copies counted: each is one write of a node's disk. */
  readonly appendsSent: number
  readonly bytesSent: number
  readonly pagesRead: number
  readonly hedgedReads: number
  readonly membershipEpoch: Epoch
  readonly geometryEpoch: Epoch
}

export interface NodeStatus {
  readonly id: number
  readonly zone: string
  readonly alive: boolean
  readonly scl: Lsn
  readonly error: string | undefined
}

/** One segment of `borealis.segments`: a protection group on a node, all timelines together. Times in microseconds since 1970. */
export interface SegmentStatus {
  readonly node: number
  readonly zone: string
  readonly address: string | undefined
  readonly group: GroupNo
  readonly kind: 'full' | 'tail'
  /** member, candidate (being filled), spare. */
  readonly role: 'member' | 'candidate' | 'spare'
  readonly alive: boolean
  readonly scl: Lsn
  readonly gaps: number
  readonly timelines: number
  readonly pages: number
  readonly bytes: number
  readonly lastScrubMicros: number
  readonly error: string | undefined
}
