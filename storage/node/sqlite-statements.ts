// The statements of the SQLite store (sqlite-segment-store.ts, sqlite-image-table.ts), prepared once.

import type Database from 'better-sqlite3'

import { PAGE_CHAIN_LENGTH_MAX } from '../base/limits.ts'
import type { Epoch, GroupNo, Lsn, TimelineId } from '../base/ids.ts'

export interface MetaRow {
  readonly cluster_id: string
  readonly volume_epoch: Epoch
  readonly writer: string
  readonly joined_epoch: Epoch
  readonly dead_epoch: Epoch
  readonly configuration: string | null
  readonly indexed_to: number
}

/** Columns of a timeline, as they come: there may be very many. */
export type TimelineRow = readonly [
  id: TimelineId,
  parent: TimelineId | null,
  parentLsn: Lsn | null,
  createdMicros: number,
  dropped: number,
  whole: number,
]

export interface SegmentRow {
  readonly timeline: TimelineId
  readonly grp: GroupNo
  readonly start_birth: Lsn | null
  readonly start_after: Lsn | null
  readonly start_commits: string | null
  readonly scl: Lsn | null
  readonly consistent: Lsn | null
  readonly end_lsn: Lsn | null
  readonly vdl: Lsn | null
  readonly has_gap: number | null
  readonly batches: number
  readonly log_bytes: number
  readonly images: number
  readonly image_bytes: number
  readonly pages: number
}

const TEXTS = {
  begin: 'BEGIN IMMEDIATE',
  commit: 'COMMIT',
  rollback: 'ROLLBACK',

  meta: 'SELECT * FROM meta',
  setMeta: 'UPDATE meta SET cluster_id = ?, volume_epoch = ?, writer = ?, joined_epoch = ?',
  setConfiguration: 'UPDATE meta SET configuration = ?',
  setIndexedTo: 'UPDATE meta SET indexed_to = ?',

  timelines: 'SELECT id, parent, parent_lsn, created_micros, dropped, whole FROM timelines ORDER BY id',
  putTimeline: 'INSERT OR IGNORE INTO timelines VALUES (?, ?, ?, ?, ?, ?)',
  dead: 'SELECT first AS "from", last AS "to" FROM dead ORDER BY first',
  deadAround: 'SELECT min(first) AS "from", max(last) AS "to" FROM dead WHERE last >= ? AND first <= ?',
  clearDead: 'DELETE FROM dead WHERE first BETWEEN ? AND ?',
  putDead: 'INSERT INTO dead VALUES (?, ?)',
  setDeadEpoch: 'UPDATE meta SET dead_epoch = ?',
  reviveTimeline: 'UPDATE timelines SET dropped = 0 WHERE id = ?',
  dropTimelines: 'UPDATE timelines SET dropped = 1 WHERE id BETWEEN ? AND ?',
  forgetTimeline: 'DELETE FROM timelines WHERE id = ?',
  annulled: 'SELECT * FROM annulled ORDER BY timeline, above',
  deleteAnnulled: 'DELETE FROM annulled WHERE timeline = ?',
  putAnnulled: 'INSERT INTO annulled VALUES (?, ?, ?)',

  segments: 'SELECT * FROM segments',
  segment: 'SELECT * FROM segments WHERE timeline = ? AND grp = ?',
  makeSegment: 'INSERT OR IGNORE INTO segments (timeline, grp) VALUES (?, ?)',
  setStart: `UPDATE segments SET start_birth = ?, start_after = ?, start_commits = ?
             WHERE timeline = ? AND grp = ?`,
  setMark: `UPDATE segments SET scl = ?, consistent = ?, end_lsn = ?, vdl = ?, has_gap = ?
            WHERE timeline = ? AND grp = ?`,
  setSize: `UPDATE segments SET batches = ?, log_bytes = ?, images = ?, image_bytes = ?, pages = ?
            WHERE timeline = ? AND grp = ?`,
  deleteSegment: 'DELETE FROM segments WHERE timeline = ? AND grp = ?',
  deleteSegments: 'DELETE FROM segments WHERE timeline = ?',

  hotLog: 'SELECT salt, begin FROM hot_log',
  setHotBegin: 'UPDATE hot_log SET begin = ?',

  append: 'INSERT INTO log VALUES (?, ?, ?, ?, ?)',
  lastRow: 'SELECT max(id) AS id FROM log',
  rowsAfter: 'SELECT id, timeline, grp, first, length(bytes) AS size FROM log WHERE id > ? ORDER BY id',
  batchesAfter: 'SELECT id, timeline, grp, first, bytes FROM log WHERE id > ? ORDER BY id',
  batch: 'SELECT bytes FROM log WHERE id = ?',
  batchHead: 'SELECT substr(bytes, 1, ?) AS bytes FROM log WHERE id = ?',
  replaceBatch: 'UPDATE log SET bytes = ? WHERE id = ?',
  deleteBatch: 'DELETE FROM log WHERE id = ?',
  countBatches: 'SELECT count(*) AS count FROM log',
  rowAt: `SELECT first, id AS row FROM log_index
          WHERE timeline = ? AND grp = ? AND first <= ? ORDER BY first DESC LIMIT 1`,
  rowAfter: `SELECT first, id AS row FROM log_index
             WHERE timeline = ? AND grp = ? AND first > ? ORDER BY first LIMIT 1`,
  batchesBetween: `SELECT i.first, l.bytes FROM log_index i JOIN log l ON l.id = i.id
                   WHERE i.timeline = ? AND i.grp = ? AND i.first > ? AND i.first < ? ORDER BY i.first`,
  sizesBetween: `SELECT i.first, i.id AS row, length(l.bytes) AS size
                 FROM log_index i JOIN log l ON l.id = i.id
                 WHERE i.timeline = ? AND i.grp = ? AND i.first > ? AND i.first <= ? ORDER BY i.first`,
  unindexBatch: 'DELETE FROM log_index WHERE timeline = ? AND grp = ? AND first = ?',
  indexLog: `INSERT OR REPLACE INTO log_index
             SELECT timeline, grp, first, id FROM log WHERE id > ? AND id <= ? ORDER BY timeline, grp, first, id`,

  imageAt: `SELECT lsn, crc, deflated, bytes FROM images
            WHERE timeline = ? AND grp = ? AND page = ? AND lsn <= ? ORDER BY lsn DESC LIMIT 1`,
  imageLsnAt: `SELECT lsn FROM images
               WHERE timeline = ? AND grp = ? AND page = ? AND lsn <= ? ORDER BY lsn DESC LIMIT 1`,
  imageAbove: `SELECT lsn FROM images
               WHERE timeline = ? AND grp = ? AND page = ? AND lsn > ? ORDER BY lsn LIMIT 1`,
  imagesAfter: `SELECT page, lsn, crc, deflated, bytes FROM images
                WHERE timeline = ? AND grp = ? AND (page, lsn) > (?, ?) ORDER BY page, lsn`,
  imageVersionsAfter: `SELECT page, lsn FROM images
                       WHERE timeline = ? AND grp = ? AND (page, lsn) > (?, ?) ORDER BY page, lsn LIMIT ?`,
  imageSize: `SELECT length(bytes) AS size FROM images
              WHERE timeline = ? AND grp = ? AND page = ? AND lsn = ?`,
  hasImage: 'SELECT 1 FROM images WHERE timeline = ? AND grp = ? AND page = ? LIMIT 1',
  putImage: `INSERT OR REPLACE INTO images (timeline, grp, page, lsn, crc, deflated, bytes)
             VALUES (?, ?, ?, ?, ?, ?, ?)`,
  dropImage: 'DELETE FROM images WHERE timeline = ? AND grp = ? AND page = ? AND lsn = ?',
  clearImages: `DELETE FROM images WHERE id IN
                (SELECT id FROM images WHERE timeline = ? AND grp = ? LIMIT ?)`,
  imagesBehind:
    'SELECT id, timeline, grp, page, lsn, crc, bytes FROM images WHERE id > ? ORDER BY id LIMIT ?',
  countImages: 'SELECT coalesce(sum(images), 0) AS count FROM segments',

  tail: 'SELECT lsn FROM tails WHERE timeline = ? AND grp = ? AND page = ?',
  putTail: `INSERT INTO tails VALUES (?, ?, ?, ?, ?)
            ON CONFLICT DO UPDATE SET lsn = excluded.lsn, count = count + excluded.count`,
  dropTail: 'DELETE FROM tails WHERE timeline = ? AND grp = ? AND page = ? AND lsn <= ?',
  restartTail: 'UPDATE tails SET count = 1 WHERE timeline = ? AND grp = ? AND page = ?',
  clearTails: `DELETE FROM tails WHERE (timeline, grp, page) IN
               (SELECT timeline, grp, page FROM tails WHERE timeline = ? AND grp = ? LIMIT ?)`,
  sumTails: 'SELECT coalesce(sum(count), 0) AS count FROM tails WHERE timeline = ? AND grp = ?',
  longChains: `SELECT timeline, grp AS "group", page, lsn, count FROM tails
               WHERE count >= CHAIN_LENGTH_MAX ORDER BY count DESC LIMIT ?`,
  countLongChains: 'SELECT count(*) AS count FROM tails WHERE count >= CHAIN_LENGTH_MAX',
} as const

export type NodeStatements = { readonly [name in keyof typeof TEXTS]: Database.Statement }

export function prepareStatements(db: Database.Database): NodeStatements {
  const entries = Object.entries(TEXTS).map(([name, text]) => {
    return [name, db.prepare(text.replace('CHAIN_LENGTH_MAX', String(PAGE_CHAIN_LENGTH_MAX)))]
  })
  const statements = Object.fromEntries(entries) as NodeStatements
  statements.timelines.raw()
  return statements
}
