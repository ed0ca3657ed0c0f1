// Where a point of a database's past lies: from a "when" (sql/functions/when.ts) to a timeline and an LSN.
//
// A database's name points to one timeline at a time; each backtrack made it point to another one:
//
//   name   ──▶ A ─────────────────┐ 12:00 BACKTRACK_TO 11:50       periods: A until 12:00, B since
//              A ──11:50──┬───────┘
//   now    ──▶            └─ B ─────▶
//
// A time means what the name showed then, so 11:55 is on A, although B never saw it: that is how a backtrack is undone. An
// LSN means the current timeline where it reaches, else the newest abandoned one that does.

import { StorageError } from '../../storage/base/errors.ts'
import type { Lsn, TimelineId } from '../../storage/base/ids.ts'
import { formatLsn } from '../../storage/base/ids.ts'
import type { CommitPoint } from '../../storage/volume/volume.ts'
import type { When } from '../functions/when.ts'
import { SqlError } from '../types/sql-error.ts'
import type { DatabaseEntry } from './catalog.ts'
import type { Cluster } from './cluster.ts'

/** A commit of a timeline's history. `wallMicros`: a time, since 1970, at which it was the newest one. */
export interface PastPoint {
  readonly timeline: TimelineId
  readonly lsn: Lsn
  readonly wallMicros: number
}

/** A stretch of time during which a name pointed to a timeline. Microseconds since 1970. */
interface Period {
  readonly timeline: TimelineId
  readonly fromMicros: number
}

const UNITS_MICROS: Readonly<Record<string, number>> = {
  us: 1,
  ms: 1000,
  s: 1_000_000,
  min: 60_000_000,
  h: 3_600_000_000,
  d: 86_400_000_000,
}
const RETENTION_DEFAULT_MICROS = 24 * 3_600_000_000
const RETENTION_SETTING = 'borealis.retention='

/** How long a database's history is kept, microseconds: ALTER DATABASE ... SET borealis.retention, or 24 hours. */
export function retentionMicros(entry: DatabaseEntry): number {
  for (const setting of entry.settings) {
    if (setting.startsWith(RETENTION_SETTING)) return parseRetention(setting.slice(RETENTION_SETTING.length))
  }
  return RETENTION_DEFAULT_MICROS
}

/** Reads '72h', '3d', or a number of minutes, as PostgreSQL reads settings with a unit. SqlError 22023. */
export function parseRetention(text: string): number {
  const [, count, unit] = /^\s*(\d+(?:\.\d+)?)\s*([a-z]*)\s*$/.exec(text) ?? []
  const factor = UNITS_MICROS[unit === undefined || unit === '' ? 'min' : unit]
  if (count !== undefined && factor !== undefined) return Number(count) * factor
  throw new SqlError('22023', `invalid value for parameter "borealis.retention": "${text}"`, {
    hint: 'Valid units for this parameter are "us", "ms", "s", "min", "h", and "d".',
  })
}

/**
 * The commit that a database shows as of `when`. SqlError 22023 for a point in the future, 72000 for one that the retention
 * does not hold, with the window in its detail. `nowMicros`: wall time, since 1970.
 */
export async function resolveWhen(
  cluster: Cluster,
  entry: DatabaseEntry,
  when: When,
  nowMicros: number,
): Promise<PastPoint> {
  if (when.kind === 'now') return newest(cluster, entry, nowMicros)
  if (when.kind === 'lsn') return atLsn(cluster, entry, when.lsn, nowMicros)
  const { wallMicros } = when
  if (wallMicros > nowMicros) {
    throw new SqlError('22023', `${timeText(wallMicros)} lies in the future`, {
      detail: `It is ${timeText(nowMicros)} now.`,
    })
  }
  const from = nowMicros - retentionMicros(entry)
  const found = wallMicros < from ? undefined : await atTime(cluster, entry, wallMicros)
  if (found !== undefined) return found
  throw outside(timeText(wallMicros), entry, await windowText(cluster, entry, nowMicros))
}

/** The newest commit, durable or not. */
function newest(cluster: Cluster, { timeline }: DatabaseEntry, nowMicros: number): PastPoint {
  return { timeline, lsn: cluster.headOf(timeline), wallMicros: nowMicros }
}

/** The newest commit then; undefined if there was none yet, or if storage has given it up already. */
export async function commitAt(
  cluster: Cluster,
  timeline: TimelineId,
  wallMicros: number,
  below?: Lsn,
): Promise<CommitPoint | undefined> {
  try {
    return await cluster.volume.commitAt(timeline, wallMicros, below)
  } catch (error) {
    if (error instanceof StorageError && error.kind === 'out-of-window') return undefined
    throw error
  }
}

async function atTime(
  cluster: Cluster,
  entry: DatabaseEntry,
  wallMicros: number,
): Promise<PastPoint | undefined> {
  const period = periods(entry).findLast(({ fromMicros }) => fromMicros <= wallMicros)
  if (period === undefined) return undefined
  const commit = await commitAt(cluster, period.timeline, wallMicros)
  return commit && { timeline: period.timeline, ...commit }
}

async function atLsn(
  cluster: Cluster,
  entry: DatabaseEntry,
  lsn: Lsn,
  nowMicros: number,
): Promise<PastPoint> {
  const { volume } = cluster
  const head = cluster.headOf(entry.timeline)
  let commit: CommitPoint | undefined
  let timeline = entry.timeline
  if (lsn <= head) {
    // Commits that are not durable yet will be in a moment.
    await cluster.branchPoint({ timeline, lsn, wallMicros: nowMicros })
    commit = await commitAt(cluster, timeline, Number.MAX_SAFE_INTEGER, lsn)
  } else {
    const abandoned = periods(entry).findLast((one) => lsn <= volume.vdlOf(one.timeline))
    if (abandoned === undefined) {
      throw new SqlError('22023', `LSN ${formatLsn(lsn)} lies in the future of database "${entry.name}"`, {
        detail: `Its newest commit is at ${formatLsn(head)}.`,
      })
    }
    timeline = abandoned.timeline
    commit = await commitAt(cluster, timeline, Number.MAX_SAFE_INTEGER, lsn)
  }
  // A commit is in the window as long as it was still the newest one when the window began.
  const oldest = await commitAt(cluster, timeline, nowMicros - retentionMicros(entry), head)
  if (commit === undefined || (oldest !== undefined && commit.lsn < oldest.lsn))
    throw outside(`LSN ${formatLsn(lsn)}`, entry, await windowText(cluster, entry, nowMicros))
  return { timeline, ...commit }
}

/** Oldest first. What lies before the first timeline is its ancestors' history. */
function periods(entry: DatabaseEntry): readonly Period[] {
  let fromMicros = -Infinity
  const all: Period[] = []
  for (const { timeline, untilMicros } of entry.past) {
    all.push({ timeline, fromMicros })
    fromMicros = untilMicros
  }
  all.push({ timeline: entry.timeline, fromMicros })
  return all
}

function outside(what: string, entry: DatabaseEntry, detail: string): SqlError {
  return new SqlError('72000', `${what} is outside the history that is kept of database "${entry.name}"`, {
    detail,
    hint: 'borealis.retention decides how long history is kept.',
  })
}

/** The window, for error messages: from the retention's beginning, or the first commit if that is later. */
async function windowText(cluster: Cluster, entry: DatabaseEntry, nowMicros: number): Promise<string> {
  const from = nowMicros - retentionMicros(entry)
  const first = await atTime(cluster, entry, from)
  const since = first === undefined ? 'its oldest commit' : timeText(from)
  const lsn = cluster.headOf(entry.timeline)
  const low = first === undefined ? '' : ` (LSN ${formatLsn(first.lsn)})`
  return `The window reaches from ${since}${low} to ${timeText(nowMicros)} (LSN ${formatLsn(lsn)}).`
}

/** As PostgreSQL prints a timestamptz in UTC. */
function timeText(wallMicros: number): string {
  const text = new Date(wallMicros / 1000).toISOString()
  return `${text.slice(0, 10)} ${text.slice(11, 23)}+00`
}
