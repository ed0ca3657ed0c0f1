// Turns settings into a running archiver.

import type { Clock } from '../base/env.ts'
import { Archiver, type ArchiverOptions } from './archiver.ts'
import { openObjectStore } from './open-store.ts'

/** What a node is told of backups. Plain data: it crosses to worker threads. */
export interface ArchiveSettings {
  /** file:///path, a path, or s3://bucket/prefix. */
  readonly location: string
  readonly intervalMs: number
  readonly retentionMs: number
}

const DAY_MS = 86_400_000

/** Rejects with StorageError when the location is no backup location. */
export async function startArchiver(
  settings: ArchiveSettings,
  around: Pick<ArchiverOptions, 'local' | 'warn'> & {
    readonly clock: Clock
    readonly env: Readonly<Record<string, string | undefined>>
  },
): Promise<Archiver> {
  const { location, intervalMs, retentionMs } = settings
  const { local, warn, clock, env } = around
  const store = await openObjectStore(location, env)
  const archiver = new Archiver({
    store,
    local,
    clock,
    intervalMs,
    retentionMs,
    // So a restore reads the log of a day at most, and the archive holds a day more than the retention.
    baseIntervalMs: DAY_MS,
    warn,
  })
  archiver.start()
  return archiver
}
