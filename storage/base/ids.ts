// The branded numbers of the storage layers. Each is a plain number at run time; the brand keeps one from being passed
// for another. All are non-negative safe integers.

import { assert } from './assert.ts'

declare const brand: unique symbol
type Branded<Name extends string> = number & { readonly [brand]: Name }

/**
 * Log sequence number: the byte position of a record's first byte in its timeline's log. 2^53 bytes are 8 PiB, so a
 * safe integer is enough. 0 means "before any record". On disk: 8 bytes, unsigned, little-endian.
 */
export type Lsn = Branded<'Lsn'>

/** Number of a page inside a timeline's page space; page 0 is the meta page. On disk: 4 bytes. */
export type PageNo = Branded<'PageNo'>

/** A branch of history. Timeline 1 is the cluster's own (roles, databases); databases follow. On disk: 4 bytes. */
export type TimelineId = Branded<'TimelineId'>

/** A protection group's number: 0 for the first range of pages, then 1, 2, ... On disk: 4 bytes. */
export type GroupNo = Branded<'GroupNo'>

/** A generation of volume or membership; a request that carries an older one is refused. */
export type Epoch = Branded<'Epoch'>

/** A B+tree is named by the number of its root page, which never changes during the tree's life. */
export type TreeId = PageNo

export const LSN_ZERO: Lsn = 0 as Lsn
export const FIRST_GROUP: GroupNo = 0 as GroupNo
export const META_PAGE: PageNo = 0 as PageNo
/** The page number of records that change no page (commit records). */
export const NO_PAGE: PageNo = 0xffff_ffff as PageNo
export const CLUSTER_TIMELINE: TimelineId = 1 as TimelineId

export function asTimelineId(value: number): TimelineId {
  assert(Number.isInteger(value) && value > 0 && value <= 0xffffffff, 'timeline id fits 32 bits')
  return value as TimelineId
}

export function asEpoch(value: number): Epoch {
  assert(Number.isSafeInteger(value) && value >= 0, 'epoch is a non-negative safe integer')
  return value as Epoch
}

/** PostgreSQL's pg_lsn text: two hexadecimal halves, `16/B374D848`. */
export function formatLsn(lsn: Lsn): string {
  const high = Math.floor(lsn / 0x1_0000_0000)
  const low = lsn % 0x1_0000_0000
  return `${high.toString(16).toUpperCase()}/${low.toString(16).toUpperCase()}`
}
