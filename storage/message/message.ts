// What a volume and storage nodes say to each other, and nodes among themselves: a closed union of plain data. The same
// objects cross to a worker thread by structured clone, a socket by a codec, and the simulator's network as they are.
//
//   volume                                        node                                  peer
//     │ query                                        │   who are you, what do you know?    │
//     │ fence (new volume epoch) ──────────────────▶ │   refuse every older writer         │
//     │ configure (groups, members, quorums) ──────▶ │   keep it; it says who your peers are
//     │ settle-timelines (dead numbers) ───────────▶ │   nothing lives under these         │
//     │ truncate (annulled ranges) ────────────────▶ │   forget (VDL, VCL + LAL]           │
//     │ open-segment, append (batches) ────────────▶ │   persist in one transaction        │
//     │ ◀──────────────────────── appended (SCLs) ── │                                     │
//     │ read-page, find-time, ... ─────────────────▶ │                                     │
//     │                                              │ gossip, fetch-log, fetch-images ──▶ │
//
// Each request carries the volume epoch and the membership epoch of its sender; a node refuses an older one ('fenced')
// and a newer volume epoch that it was not told of ('behind'); a newer membership epoch is the rightful writer's, who may
// have been overtaken by its own 'configure'; a peer's gossip is exempt from that, it tells its epochs. 'query'
// and 'fence' say nothing by their membership epoch, 'configure' tells a newer one. A node takes batches and images from
// peers of its own volume epoch only: one that was not fenced yet may hold what never happened. Every request has a
// number that its answer repeats; each request may be repeated at will and means the same.

import type { StorageErrorKind } from '../base/errors.ts'
import type { Epoch, GroupNo, Lsn, PageNo, TimelineId } from '../base/ids.ts'
import type { CommitOrigin } from '../log/record.ts'
import type { Configuration } from './configuration.ts'
import type { PackedBirths } from './packed-births.ts'

/** Version of this protocol; a peer of another one is refused. */
export const PROTOCOL_VERSION = 5

interface RequestBase {
  /** Number that the answer repeats. */
  readonly id: number
  readonly volumeEpoch: Epoch
  readonly membershipEpoch: Epoch
}

/** An open interval of LSNs on the left, closed on the right, whose records never happened. */
export interface AnnulledRange {
  readonly above: Lsn
  readonly upTo: Lsn
}

/** A timeline's birth certificate. `parent` is undefined for a root. */
export interface TimelineBirth {
  readonly id: TimelineId
  readonly parent: { readonly timeline: TimelineId; readonly lsn: Lsn } | undefined
  readonly createdMicros: number
}

/** Numbers of timelines, both ends included. */
export interface IdRange {
  readonly from: TimelineId
  readonly to: TimelineId
}

/** A segment: the part of a timeline's log and pages that lies in one protection group. */
export interface SegmentKey {
  readonly timeline: TimelineId
  readonly group: GroupNo
}

/** A page image as it is stored: the page at its newest version at or below `lsn`, whose page LSN is `lsn`. */
export interface ImageCopy {
  readonly page: PageNo
  readonly lsn: Lsn
  /** PAGE_SIZE_BYTES bytes, or fewer: those deflated (raw deflate). */
  readonly bytes: Uint8Array
}

/** What a node lets happen to itself for a while, for tests of operations (Aurora's fault injection queries). */
export type Fault =
  | { readonly kind: 'crash' }
  /** Requests fail ('io') with this probability. */
  | { readonly kind: 'disk-failure'; readonly probability: number; readonly durationMs: number }
  /** With this probability a write or a read takes this much longer, and those behind it wait. */
  | {
      readonly kind: 'disk-congestion'
      readonly probability: number
      readonly delayMsMin: number
      readonly delayMsMax: number
      readonly durationMs: number
    }

export type VolumeMessage =
  | (RequestBase & { readonly kind: 'query' })
  /**
   * Promises: from now on nothing below `volumeEpoch` is accepted. Answered with the state after that promise. `writer`
   * is drawn by each writer and kept with the epoch: a fence of the same epoch by another writer is refused ('fenced').
   */
  | (RequestBase & { readonly kind: 'fence'; readonly clusterId: string; readonly writer: string })
  /**
   * Keeps a configuration that is newer than the node's own; an older one is refused. The last step by which a writer
   * brings a node into its epoch: a node whose configuration is of that epoch has all that recovery decided.
   */
  | (RequestBase & { readonly kind: 'configure'; readonly configuration: Configuration })
  | (RequestBase & {
      readonly kind: 'truncate'
      readonly annulled: readonly {
        readonly timeline: TimelineId
        readonly ranges: readonly AnnulledRange[]
      }[]
    })
  /** Encoded batches (./batch.ts), of any timelines and groups, in order. Persisted together. */
  | (RequestBase & { readonly kind: 'append'; readonly batches: readonly Uint8Array[] })
  /** The node finds the group from the page number. Refused by a tail segment. */
  | (RequestBase & {
      readonly kind: 'read-page'
      readonly timeline: TimelineId
      readonly page: PageNo
      readonly lsn: Lsn
    })
  /**
   * The numbers up to the writer's highest under which no timeline lives, nor ever will: those that were dropped, and
   * those that were jumped over. What the node kept under one of them is dropped; what it dropped itself for a writer
   * that lost, and that lives, is `revived`: it begins anew, empty, if it was collected. In a later message of the same volume epoch the
   * numbers only add up.
   */
  | (RequestBase & {
      readonly kind: 'settle-timelines'
      readonly dead: readonly IdRange[]
      readonly revived: readonly TimelineId[]
    })
  /**
   * Timelines are known to every node of the volume; each one that is in group 0 has their first segment from birth. One
   * whose number is dead on the node is put down as dropped: the message was late.
   */
  | (RequestBase & { readonly kind: 'create-timelines'; readonly births: readonly TimelineBirth[] })
  | (RequestBase & { readonly kind: 'drop-timeline'; readonly timeline: TimelineId })
  /**
   * A timeline's first record in a group above 0 is to come: the group holds none at or below `after`, a consistency
   * point, so the segment is complete up to there; one that stands lower moves up.
   */
  | (RequestBase & SegmentKey & { readonly kind: 'open-segment'; readonly after: Lsn })
  /**
   * The batches above `after` that follow each other without a gap, up to about `sizeMax` bytes, at least one if any.
   * Below the segment's `logAfter`: 'out-of-window'.
   */
  | (RequestBase & SegmentKey & { readonly kind: 'fetch-log'; readonly after: Lsn; readonly sizeMax: number })
  /** Images of a segment behind `after` in the order of (page, LSN), up to about `sizeMax` bytes. For filling a peer. */
  | (RequestBase &
      SegmentKey & {
        readonly kind: 'fetch-images'
        readonly after: { readonly page: PageNo; readonly lsn: Lsn } | undefined
        readonly sizeMax: number
      })
  /**
   * Asks a peer for the segments that moved since its sequence number `since` (0: all). `known`: a digest of the numbers of
   * the timelines that the asker knows (0: none); of those that were only born it is told nothing where the peer knows the
   * same ones.
   */
  | (RequestBase & { readonly kind: 'gossip'; readonly since: number; readonly known: number })
  /** Puts back a batch that was damaged on this node's disk, from a peer's copy. */
  | (RequestBase & { readonly kind: 'repair'; readonly batch: Uint8Array })
  /**
   * Nobody reads below these any more but children at their branch points: what is older may be collected. And what is
   * kept of the timelines that `ended`: a write quorum knows that they were dropped, so no recovery finds otherwise. The
   * numbers of a node only add up, for as long as it runs; it is told all of them when it was brought in.
   */
  | (RequestBase & {
      readonly kind: 'read-floors'
      readonly floors: readonly { readonly timeline: TimelineId; readonly lsn: Lsn }[]
      readonly ended: readonly IdRange[]
    })
  /** LSN of the newest commit record at or below `below` whose wall time is at most `wallMicros`; 0 if there is none. */
  | (RequestBase & {
      readonly kind: 'find-time'
      readonly timeline: TimelineId
      readonly wallMicros: number
      readonly below: Lsn
    })
  /** Wall time of the newest commit record at or below `lsn`; 0 if there is none. */
  | (RequestBase & { readonly kind: 'time-of'; readonly timeline: TimelineId; readonly lsn: Lsn })
  /** What each of these timelines takes on this node's disk, its own part only. */
  | (RequestBase & { readonly kind: 'sizes'; readonly timelines: readonly TimelineId[] })
  /** Which pages have records in (above, upTo] of the timeline's own log. */
  | (RequestBase & {
      readonly kind: 'changed-pages'
      readonly timeline: TimelineId
      readonly above: Lsn
      readonly upTo: Lsn
    })
  /** The commit that the record at `lsn` of the timeline's own log belongs to. */
  | (RequestBase & { readonly kind: 'find-commit'; readonly timeline: TimelineId; readonly lsn: Lsn })
  | (RequestBase & { readonly kind: 'statistics' })
  | (RequestBase & { readonly kind: 'inject'; readonly fault: Fault })
  /** Finishes what is worth finishing and lets go of the disk. */
  | (RequestBase & { readonly kind: 'shut-down' })

/** What a commit record says. */
export interface CommitRecord {
  readonly lsn: Lsn
  /** Microseconds since 1970. */
  readonly wallMicros: number
  readonly transactionId: number
  readonly origin: CommitOrigin
}

/** Where a segment stands. */
export interface SegmentState extends SegmentKey {
  /** It holds every record of its group up to here, without a gap. */
  readonly scl: Lsn
  /** Highest consistency point of the whole timeline at or below the SCL. */
  readonly consistent: Lsn
  /** Position behind the record of the timeline at the SCL. */
  readonly end: Lsn
  /** Log at or below this was collected here: what is needed of it is in images. The segment's birth if none was. */
  readonly logAfter: Lsn
  /** The group holds no record of the timeline itself at or below this, on any node. A consistency point. */
  readonly birth: Lsn
}

export interface TimelineState {
  readonly birth: TimelineBirth
  readonly dropped: boolean
  readonly annulled: readonly AnnulledRange[]
}

export interface NodeState {
  readonly protocol: number
  /** Empty on a node that belongs to no cluster yet. */
  readonly clusterId: string
  readonly volumeEpoch: Epoch
  readonly membershipEpoch: Epoch
  /** undefined on a node that belongs to no cluster yet. */
  readonly configuration: Configuration | undefined
  /**
   * Timelines of which there is nothing to tell but that they were born: alive, nothing annulled, and their first segment,
   * which the node has, standing where they branched off. Idle branches are told of here, and of them nothing else.
   */
  readonly born: PackedBirths
  /** The others. */
  readonly timelines: readonly TimelineState[]
  /** Numbers under which no timeline lives, as far as the writer that brought the node in last told. */
  readonly dead: readonly IdRange[]
  /** Of those in `timelines`. */
  readonly segments: readonly SegmentState[]
  /** Names a damaged batch that keeps a segment's SCL below what this node once acknowledged. */
  readonly damage: string | undefined
}

/** Figures of a node, for `borealis.segments`. Bytes are those on its disk; times are microseconds since 1970. */
export interface NodeStatistics {
  readonly batches: number
  readonly diskBytes: number
  readonly images: number
  readonly gaps: number
  readonly longChains: number
  readonly pagesRead: number
  readonly recordsApplied: number
  readonly batchesRead: number
  /** Batches and bytes taken from peers, to fill gaps. */
  readonly batchesGossiped: number
  readonly bytesGossiped: number
  /** Collected so far: batches and images dropped because nobody can read them any more. */
  readonly batchesCollected: number
  readonly imagesCollected: number
  readonly imagesRepaired: number
  /** 0 when nothing was scrubbed yet. */
  readonly lastScrubMicros: number
  readonly fsyncs: number
  readonly groups: readonly {
    readonly group: GroupNo
    readonly kind: 'full' | 'tail'
    readonly timelines: number
    readonly pages: number
    readonly bytes: number
    readonly gaps: number
    readonly scl: Lsn
  }[]
}

/** What a timeline takes on one node's disk: bytes of log, of images, and of those what only the past needs. */
export interface TimelineSize {
  readonly timeline: TimelineId
  readonly logBytes: number
  readonly imageBytes: number
  readonly historyBytes: number
}

/** Why a request failed. 'behind': ask another node, or bring this one up first. */
export type FailureKind = StorageErrorKind | 'behind'

export type NodeMessage =
  | { readonly kind: 'state'; readonly id: number; readonly state: NodeState }
  | {
      readonly kind: 'appended'
      readonly id: number
      readonly segments: readonly { timeline: TimelineId; group: GroupNo; scl: Lsn }[]
    }
  | { readonly kind: 'page'; readonly id: number; readonly image: Uint8Array }
  | { readonly kind: 'log'; readonly id: number; readonly batches: readonly Uint8Array[]; readonly scl: Lsn }
  | {
      readonly kind: 'images'
      readonly id: number
      readonly images: readonly ImageCopy[]
      /** True when there are none behind these. */
      readonly complete: boolean
    }
  | {
      readonly kind: 'gossip'
      readonly id: number
      readonly volumeEpoch: Epoch
      readonly membershipEpoch: Epoch
      /** What to ask for next time. */
      readonly sequence: number
      /** As in NodeState; of those in `timelines` there is more to tell. */
      readonly born: PackedBirths
      readonly timelines: readonly TimelineState[]
      readonly segments: readonly SegmentState[]
    }
  | { readonly kind: 'time'; readonly id: number; readonly lsn: Lsn; readonly wallMicros: number }
  | { readonly kind: 'sizes'; readonly id: number; readonly sizes: readonly TimelineSize[] }
  /** Each page once; `upTo`: how far the answer reaches. Ask again above it for the rest. */
  | {
      readonly kind: 'changed-pages'
      readonly id: number
      readonly pages: Uint32Array<ArrayBuffer>
      readonly upTo: Lsn
    }
  | { readonly kind: 'commit'; readonly id: number; readonly commit: CommitRecord | undefined }
  | { readonly kind: 'statistics'; readonly id: number; readonly statistics: NodeStatistics }
  | { readonly kind: 'done'; readonly id: number }
  | {
      readonly kind: 'failed'
      readonly id: number
      readonly failure: FailureKind
      readonly message: string
      readonly detail: string | undefined
      /** A batch of this node that is damaged and worth a 'repair'. */
      readonly damaged: (SegmentKey & { readonly lsn: Lsn }) | undefined
      /** True when the node can do nothing any more until it is restarted. */
      readonly fatal: boolean
    }
