// What a volume and a storage node say to each other: a closed union of plain data. The same objects cross to a worker
// thread by structured clone and, later, a socket by a codec.
//
//   volume                                        node
//     │ query                                        │   who are you, which epoch do you know?
//     │ fence (new volume epoch) ──────────────────▶ │   refuse every older writer from now on; here is what I hold
//     │ truncate (annulled ranges) ────────────────▶ │   forget (VDL, VCL + LAL]
//     │ append (batches of many timelines) ────────▶ │   persist in one transaction
//     │ ◀──────────────────────── appended (SCLs) ── │
//     │ read-page, fetch-log, ... ─────────────────▶ │
//
// Each request carries the volume epoch and the membership epoch of its sender; a node refuses an older one ('fenced')
// and a newer one that it was not fenced with ('behind'). Every request has a number that its answer repeats; each
// request may be repeated at will and means the same.

import type { StorageErrorKind } from '../base/errors.ts'
import type { Epoch, Lsn, PageNo, TimelineId } from '../base/ids.ts'
import type { CommitOrigin } from '../log/record.ts'

/** Version of this protocol; a peer of another one is refused. */
export const PROTOCOL_VERSION = 1

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

export type VolumeMessage =
  | (RequestBase & { readonly kind: 'query' })
  /** Promises: from now on nothing below `volumeEpoch` is accepted. Answered with the state after that promise. */
  | (RequestBase & { readonly kind: 'fence'; readonly clusterId: string })
  | (RequestBase & {
      readonly kind: 'truncate'
      readonly annulled: readonly {
        readonly timeline: TimelineId
        readonly ranges: readonly AnnulledRange[]
      }[]
    })
  /** Encoded batches (./batch.ts), of any timelines, in order. Persisted together. */
  | (RequestBase & { readonly kind: 'append'; readonly batches: readonly Uint8Array[] })
  | (RequestBase & {
      readonly kind: 'read-page'
      readonly timeline: TimelineId
      readonly page: PageNo
      readonly lsn: Lsn
    })
  | (RequestBase & { readonly kind: 'create-timeline'; readonly birth: TimelineBirth })
  | (RequestBase & { readonly kind: 'drop-timeline'; readonly timeline: TimelineId })
  /** The batches above `after` that follow each other without a gap, up to about `sizeMax` bytes, at least one if any. */
  | (RequestBase & {
      readonly kind: 'fetch-log'
      readonly timeline: TimelineId
      readonly after: Lsn
      readonly sizeMax: number
    })
  /** Puts back a batch that was damaged on this node's disk, from a peer's copy. */
  | (RequestBase & { readonly kind: 'repair'; readonly batch: Uint8Array })
  | (RequestBase & { readonly kind: 'read-floor'; readonly timeline: TimelineId; readonly lsn: Lsn })
  | (RequestBase & {
      readonly kind: 'find-time'
      readonly timeline: TimelineId
      readonly wallMicros: number
      readonly below: Lsn
    })
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
export interface SegmentState {
  readonly timeline: TimelineId
  /** It holds every record up to here, without a gap. */
  readonly scl: Lsn
  /** Highest consistency point at or below the SCL. */
  readonly consistent: Lsn
  /** Position behind the record at the SCL. */
  readonly end: Lsn
}

export interface TimelineState extends SegmentState {
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
  readonly timelines: readonly TimelineState[]
  /** Names a damaged batch that keeps a segment's SCL below what this node once acknowledged. */
  readonly damage: string | undefined
}

/** Figures of a node, for `borealis.segments`. Bytes are those on its disk. */
export interface NodeStatistics {
  readonly batches: number
  readonly diskBytes: number
  readonly images: number
  readonly gaps: number
  readonly longChains: number
  readonly pagesRead: number
  readonly recordsApplied: number
  readonly batchesRead: number
}

/** Why a request failed. 'behind': ask another node, or bring this one up first. */
export type FailureKind = StorageErrorKind | 'behind'

export type NodeMessage =
  | { readonly kind: 'state'; readonly id: number; readonly state: NodeState }
  | {
      readonly kind: 'appended'
      readonly id: number
      readonly segments: readonly { timeline: TimelineId; scl: Lsn }[]
    }
  | { readonly kind: 'page'; readonly id: number; readonly image: Uint8Array }
  | { readonly kind: 'log'; readonly id: number; readonly batches: readonly Uint8Array[]; readonly scl: Lsn }
  | { readonly kind: 'time'; readonly id: number; readonly lsn: Lsn; readonly wallMicros: number }
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
      readonly damaged: { readonly timeline: TimelineId; readonly lsn: Lsn } | undefined
      /** True when the node can do nothing any more until it is restarted. */
      readonly fatal: boolean
    }
