// Tables of a node's SQLite file, and how it is opened. Any SQLite tool can look at them.
//
//   meta       who this node is; the configuration of the volume as JSON
//   timelines  births, and whether they were dropped; `annulled` has their annulled ranges
//   dead       ranges of numbers under which no timeline lives; meta.dead_epoch: the writer that told them
//   segments   (timeline, group): where its log begins, where it stood at the last checkpoint, what it takes
//   log        batches in order of arrival: appending one dirties the last leaf and nothing else
//   log_index  (timeline, group, first LSN) → row of `log`, filled at checkpoints; what is newer is kept in memory
//   images     page images; crc over the image, stored deflated when that pays
//   tails      newest record of a page since its last image, as of the last checkpoint
//   hot_log    how far batches were moved from the hot log (hot-log.ts) to `log`, and the salt of its checksums
//
// Settings. synchronous=FULL makes each commit one fsync of the WAL file; transactions of derived data run with NORMAL
// and cost none, since losing them loses nothing. auto_vacuum=INCREMENTAL lets space that was collected go back to the
// file system, a few pages at a time when nobody waits.

import Database from 'better-sqlite3'

import { StorageError } from '../base/errors.ts'
import { PAGE_CHAIN_LENGTH_MAX } from '../base/limits.ts'

export const STORE_FORMAT_VERSION = 4
export const CACHE_SIZE_KIB = 2048
/** Holds the pages of a portion while much is written: what does not fit is written to the file before its time. */
export const BULK_CACHE_SIZE_KIB: number = 24 * 1024
export const DATABASE_PAGE_SIZE_BYTES = 4096
/**
 * The WAL is copied back between requests once it has this many pages, or these few when nobody waits. Commits mostly
 * rewrite one page again and again, so little is left to copy. SQLite itself, which would do it inside a commit, is told
 * to step in only far above.
 */
export const WAL_CHECKPOINT_PAGES = 2000
export const WAL_CHECKPOINT_IDLE_PAGES = 200
const WAL_AUTOCHECKPOINT_PAGES = 16_384

const SCHEMA = `
  CREATE TABLE meta (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    format_version INTEGER NOT NULL,
    cluster_id TEXT NOT NULL,
    volume_epoch INTEGER NOT NULL,
    writer TEXT NOT NULL,
    joined_epoch INTEGER NOT NULL,
    dead_epoch INTEGER NOT NULL,
    configuration TEXT,
    indexed_to INTEGER NOT NULL
  );
  INSERT INTO meta VALUES (1, ${STORE_FORMAT_VERSION}, '', 0, '', 0, 0, NULL, 0);
  CREATE TABLE timelines (
    id INTEGER PRIMARY KEY,
    parent INTEGER,
    parent_lsn INTEGER,
    created_micros INTEGER NOT NULL,
    dropped INTEGER NOT NULL,
    whole INTEGER NOT NULL
  );
  CREATE TABLE dead (first INTEGER PRIMARY KEY, last INTEGER NOT NULL);
  CREATE TABLE annulled (
    timeline INTEGER NOT NULL,
    above INTEGER NOT NULL,
    up_to INTEGER NOT NULL,
    PRIMARY KEY (timeline, above)
  ) WITHOUT ROWID;
  CREATE TABLE segments (
    timeline INTEGER NOT NULL,
    grp INTEGER NOT NULL,
    start_birth INTEGER,
    start_after INTEGER,
    start_commits TEXT,
    scl INTEGER,
    consistent INTEGER,
    end_lsn INTEGER,
    vdl INTEGER,
    has_gap INTEGER,
    batches INTEGER NOT NULL DEFAULT 0,
    log_bytes INTEGER NOT NULL DEFAULT 0,
    images INTEGER NOT NULL DEFAULT 0,
    image_bytes INTEGER NOT NULL DEFAULT 0,
    pages INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (timeline, grp)
  ) WITHOUT ROWID;
  CREATE TABLE hot_log (one INTEGER PRIMARY KEY CHECK (one = 1), salt INTEGER NOT NULL, begin INTEGER NOT NULL);
  INSERT INTO hot_log VALUES (1, random() & 0xffffffff, 0);
  CREATE TABLE log (
    id INTEGER PRIMARY KEY,
    timeline INTEGER NOT NULL,
    grp INTEGER NOT NULL,
    first INTEGER NOT NULL,
    bytes BLOB NOT NULL
  );
  CREATE TABLE log_index (
    timeline INTEGER NOT NULL,
    grp INTEGER NOT NULL,
    first INTEGER NOT NULL,
    id INTEGER NOT NULL,
    PRIMARY KEY (timeline, grp, first)
  ) WITHOUT ROWID;
  CREATE TABLE images (
    id INTEGER PRIMARY KEY,
    timeline INTEGER NOT NULL,
    grp INTEGER NOT NULL,
    page INTEGER NOT NULL,
    lsn INTEGER NOT NULL,
    crc INTEGER NOT NULL,
    deflated INTEGER NOT NULL,
    bytes BLOB NOT NULL,
    UNIQUE (timeline, grp, page, lsn)
  );
  CREATE TABLE tails (
    timeline INTEGER NOT NULL,
    grp INTEGER NOT NULL,
    page INTEGER NOT NULL,
    lsn INTEGER NOT NULL,
    count INTEGER NOT NULL,
    PRIMARY KEY (timeline, grp, page)
  ) WITHOUT ROWID;
  CREATE INDEX tails_long ON tails (count) WHERE count >= ${PAGE_CHAIN_LENGTH_MAX};
`

/** Opens or creates the file. Throws StorageError. */
export function openNodeDatabase(path: string): Database.Database {
  try {
    const db = new Database(path, { timeout: 0 })
    db.pragma(`page_size = ${DATABASE_PAGE_SIZE_BYTES}`)
    db.pragma('auto_vacuum = INCREMENTAL')
    db.pragma('locking_mode = EXCLUSIVE')
    db.pragma('journal_mode = WAL')
    db.pragma('synchronous = FULL')
    db.pragma(`cache_size = -${CACHE_SIZE_KIB}`)
    db.pragma(`wal_autocheckpoint = ${WAL_AUTOCHECKPOINT_PAGES}`)
    const created = db.prepare("SELECT 1 FROM sqlite_master WHERE name = 'meta'").get() !== undefined
    if (!created) db.transaction(() => db.exec(SCHEMA))()
    const row = db.prepare('SELECT format_version AS version FROM meta').get() as { version: number }
    if (row.version !== STORE_FORMAT_VERSION) {
      const message = `${path} was written by another version of Borealis: format ${row.version}, expected ${STORE_FORMAT_VERSION}`
      throw new StorageError('version', message)
    }
    return db
  } catch (error) {
    throw translateSqliteError(error, path)
  }
}

/** What went wrong with the disk, named. Whatever is not SQLite's passes through. */
export function translateSqliteError(error: unknown, path: string): unknown {
  if (!(error instanceof Error) || !('code' in error) || typeof error.code !== 'string') return error
  const code = error.code
  if (code === 'SQLITE_FULL') {
    return new StorageError('disk-full', `no space left for ${path}`, 'What was acknowledged is safe.')
  }
  if (code.startsWith('SQLITE_CORRUPT') || code === 'SQLITE_NOTADB') {
    return new StorageError('corrupt', `${path} is damaged: ${error.message}`)
  }
  if (code.startsWith('SQLITE_BUSY'))
    return new StorageError('locked', `${path} is in use by another process`)
  if (code === 'SQLITE_CANTOPEN' || code === 'SQLITE_READONLY' || code.startsWith('SQLITE_READONLY_')) {
    return new StorageError('not-writable', `${path} cannot be opened for writing: ${error.message}`)
  }
  if (code.startsWith('SQLITE_')) return new StorageError('io', `${path}: ${error.message} (${code})`)
  return error
}
