// The statements of sqlite-segment-store.ts, prepared once.

import type Database from 'better-sqlite3'

import { PAGE_CHAIN_LENGTH_MAX } from '../base/limits.ts'
import type { Lsn, TimelineId } from '../base/ids.ts'

export interface TimelineRow {
  readonly id: TimelineId
  readonly parent: TimelineId | null
  readonly parent_lsn: Lsn | null
  readonly created_micros: number
  readonly dropped: number
  readonly scl: Lsn | null
  readonly consistent: Lsn | null
  readonly end_lsn: Lsn | null
  readonly vdl: Lsn | null
}

const TEXTS = {
  begin: 'BEGIN IMMEDIATE',
  commit: 'COMMIT',
  rollback: 'ROLLBACK',

  meta: 'SELECT cluster_id, volume_epoch, membership_epoch, indexed_to FROM meta',
  setMeta: 'UPDATE meta SET cluster_id = ?, volume_epoch = ?, membership_epoch = ?',
  setIndexedTo: 'UPDATE meta SET indexed_to = ?',

  timelines: 'SELECT * FROM timelines ORDER BY id',
  putTimeline: 'INSERT OR IGNORE INTO timelines (id, parent, parent_lsn, created_micros) VALUES (?, ?, ?, ?)',
  dropTimeline: 'UPDATE timelines SET dropped = 1 WHERE id = ?',
  setMark: 'UPDATE timelines SET scl = ?, consistent = ?, end_lsn = ?, vdl = ? WHERE id = ?',
  annulled: 'SELECT timeline, above, up_to FROM annulled ORDER BY timeline, above',
  deleteAnnulled: 'DELETE FROM annulled WHERE timeline = ?',
  putAnnulled: 'INSERT INTO annulled VALUES (?, ?, ?)',

  hotLog: 'SELECT salt, begin FROM hot_log',
  setHotBegin: 'UPDATE hot_log SET begin = ?',

  append: 'INSERT INTO log VALUES (?, ?, ?, ?)',
  lastRow: 'SELECT max(id) AS id FROM log',
  rowsAfter: 'SELECT id, timeline, first FROM log WHERE id > ? ORDER BY id',
  batchesAfter: 'SELECT timeline, first, bytes FROM log WHERE id > ? ORDER BY id',
  batch: 'SELECT bytes FROM log WHERE id = ?',
  replaceBatch: 'UPDATE log SET bytes = ? WHERE id = ?',
  rowAt:
    'SELECT first, id AS row FROM log_index WHERE timeline = ? AND first <= ? ORDER BY first DESC LIMIT 1',
  rowAfter: 'SELECT first, id AS row FROM log_index WHERE timeline = ? AND first > ? ORDER BY first LIMIT 1',
  indexLog: `INSERT OR REPLACE INTO log_index
             SELECT timeline, first, id FROM log WHERE id > ? AND id <= ? ORDER BY timeline, first, id`,

  imageAt: `SELECT lsn, crc, deflated, bytes FROM images
            WHERE timeline = ? AND page = ? AND lsn <= ? ORDER BY lsn DESC LIMIT 1`,
  imageAbove: 'SELECT lsn FROM images WHERE timeline = ? AND page = ? AND lsn > ? ORDER BY lsn LIMIT 1',
  putImage:
    'INSERT OR REPLACE INTO images (timeline, page, lsn, crc, deflated, bytes) VALUES (?, ?, ?, ?, ?, ?)',
  dropImage: 'DELETE FROM images WHERE timeline = ? AND page = ? AND lsn = ?',
  countImages: 'SELECT count(*) AS count FROM images',

  tail: 'SELECT lsn FROM tails WHERE timeline = ? AND page = ?',
  putTail: `INSERT INTO tails VALUES (?, ?, ?, ?)
            ON CONFLICT DO UPDATE SET lsn = excluded.lsn, count = count + excluded.count`,
  dropTail: 'DELETE FROM tails WHERE timeline = ? AND page = ? AND lsn <= ?',
  restartTail: 'UPDATE tails SET count = 1 WHERE timeline = ? AND page = ?',
  longChains:
    'SELECT timeline, page, lsn, count FROM tails WHERE count >= CHAIN_LENGTH_MAX ORDER BY count DESC LIMIT ?',
  countLongChains: 'SELECT count(*) AS count FROM tails WHERE count >= CHAIN_LENGTH_MAX',
} as const

export type NodeStatements = { readonly [name in keyof typeof TEXTS]: Database.Statement }

export function prepareStatements(db: Database.Database): NodeStatements {
  const entries = Object.entries(TEXTS).map(([name, text]) => {
    return [name, db.prepare(text.replace('CHAIN_LENGTH_MAX', String(PAGE_CHAIN_LENGTH_MAX)))]
  })
  return Object.fromEntries(entries) as NodeStatements
}
