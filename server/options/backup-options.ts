// The flags that turn backups on, for `serve` (embedded storage nodes) and `storage-node` alike.

import type { ArchiveSettings } from '../../storage/archive/start-archiver.ts'
import { BadValue, DURATION_MS_MAX, type Flag, nonEmpty, quantity, TIME_UNITS } from './flags.ts'

export interface BackupOptions {
  /** file:///path, a path, or s3://bucket/prefix; undefined: no backup. */
  readonly backup: string | undefined
  /** How long the backup may trail the log. */
  readonly backupIntervalMs: number
  /** How far back a restore shall reach. */
  readonly backupRetentionMs: number
}

const DAY_MS = 86_400_000
const RETENTION_DAYS_MAX = 35
const INTERVAL_MS_MIN = 100

export const BACKUP_DEFAULTS: BackupOptions = {
  backup: undefined,
  backupIntervalMs: 5000,
  backupRetentionMs: 7 * DAY_MS,
}

export const BACKUP_FLAGS: readonly Flag<BackupOptions>[] = [
  {
    name: 'backup',
    placeholder: 'URL',
    help: 'back up continuously to a directory, file:// or s3://bucket/prefix?endpoint=URL (never)',
    read: (text) => ({ backup: nonEmpty(text) }),
  },
  {
    name: 'backup-interval',
    placeholder: 'TIME',
    help: 'how long the backup may trail what was committed (5s)',
    read: (text) => ({ backupIntervalMs: quantity(text, TIME_UNITS, INTERVAL_MS_MIN, DURATION_MS_MAX) }),
  },
  {
    name: 'backup-retention',
    placeholder: 'DAYS',
    help: 'how far back a restore shall reach, 1d to 35d (7d)',
    read: (text) => ({ backupRetentionMs: readDays(text) * DAY_MS }),
  },
]

function readDays(text: string): number {
  const days = Number(/^(\d{1,2})d?$/.exec(text)?.[1])
  if (!(days >= 1 && days <= RETENTION_DAYS_MAX)) throw new BadValue('is not a number of days from 1d to 35d')
  return days
}

/** What a node is told; undefined when there is no backup. */
export function archiveSettings(options: BackupOptions): ArchiveSettings | undefined {
  const { backup, backupIntervalMs, backupRetentionMs } = options
  if (backup === undefined) return undefined
  return { location: backup, intervalMs: backupIntervalMs, retentionMs: backupRetentionMs }
}
