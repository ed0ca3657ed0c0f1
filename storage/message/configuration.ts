// What a volume consists of: its protection groups, the segments of each, and the quorums they form. Plain data that
// every node keeps on its disk; the copy with the highest membership epoch is the volume's. This file is what volume and
// nodes agree on; who changes it, and when, is the volume's business (../volume).
//
//   page ──groupOfPage──▶ group ──▶ six slots ──▶ member (a node)
//                                        └──────▶ candidate, while a member is being replaced
//
//   membership change of slot F (Aurora 2018, section 4.1), each step a new membership epoch:
//     {ABCDEF}  ─▶  {ABCDEF} and {ABCDEG}  ─▶  {ABCDEG}, or back to {ABCDEF}
//
// Invariants. Groups are only ever appended (geometry epoch). A page never moves to another group. While a slot has a
// candidate, a write needs its quorum with the member and with the candidate in that slot.

import type { Epoch, GroupNo, PageNo } from '../base/ids.ts'
import { PAGE_SIZE_BYTES } from '../base/limits.ts'

/** `full` segments hold log and pages; `tail` segments hold log only. */
export type SegmentKind = 'full' | 'tail'

/** A node as a holder of segments. */
export interface Member {
  /** The number the node was given when it joined; never reused. */
  readonly node: number
  readonly zone: string
  /** host:port; undefined for an embedded node. */
  readonly address: string | undefined
  readonly kind: SegmentKind
}

export interface Slot {
  readonly member: Member
  /** The one that shall replace `member`, while it is being filled. */
  readonly candidate: Member | undefined
}

export interface ProtectionGroup {
  readonly group: GroupNo
  readonly slots: readonly Slot[]
}

/** Copies needed of each group. `fullWriteCount` > 0: so many full segments alone also make a write (3/3 full). */
export interface QuorumSizes {
  readonly nodeCount: number
  readonly writeCount: number
  readonly readCount: number
  readonly fullWriteCount: number
}

export interface Configuration {
  readonly clusterId: string
  /** Bumped by every change of this object; a request with an older one is refused. */
  readonly membershipEpoch: Epoch
  /** Bumped when a group is appended. */
  readonly geometryEpoch: Epoch
  /** Bytes of pages per segment; a multiple of PAGE_SIZE_BYTES. Fixed when the volume is created. */
  readonly segmentSizeBytes: number
  readonly quorum: QuorumSizes
  /** Zones taken out of the quorum because they are away for long (quorum 3/4 of the others); empty normally. */
  readonly zonesAway: readonly string[]
  readonly groups: readonly ProtectionGroup[]
  /** Nodes that are registered and hold nothing yet: where a lost segment is rebuilt. */
  readonly spares: readonly Member[]
}

/** Default size of a segment: Aurora's 10 GB. */
export const SEGMENT_SIZE_BYTES_DEFAULT: number = 10 * 1024 * 1024 * 1024

/** The group a page belongs to. NO_PAGE records (commits) belong to group 0; callers see to that. */
export function groupOfPage(page: PageNo, segmentSizeBytes: number): GroupNo {
  return Math.floor(page / (segmentSizeBytes / PAGE_SIZE_BYTES)) as GroupNo
}
