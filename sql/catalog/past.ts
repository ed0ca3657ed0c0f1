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

import type { Lsn, TimelineId } from '../../storage/base/ids.ts'
import { formatLsn } from '../../storage/base/ids.ts'
import type { CommitPoint } from '../../storage/volume/volume.ts'
import type { When } from '../functions/when.ts'
import { SqlError } from '../types/sql-error.ts'
import type { DatabaseEntry } from './catalog.ts'
import type { Cluster } from './cluster.ts'

/** A commit of a timeline's history. `wallMicros`: its time, since 1970; 0 for a state without any commit record. */
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

const HOUR_MICROS = 3_600_000_000
const RETENTION_DEFAULT_HOURS = 24

/** How long a database's history is kept, microseconds. */
export function retentionMicros(_entry: DatabaseEntry): number {
  return RETENTION_DEFAULT_HOURS * HOUR_MICROS
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
  if (when.kind === 'now') return newest(cluster, entry)
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
async function newest(cluster: Cluster, entry: DatabaseEntry): Promise<PastPoint> {
  const { database } = await cluster.database(entry)
  const commit = await cluster.volume.commitAt(entry.timeline, Number.MAX_SAFE_INTEGER)
  return { timeline: entry.timeline, lsn: database.head, wallMicros: commit?.wallMicros ?? 0 }
}

async function atTime(
  cluster: Cluster,
  entry: DatabaseEntry,
  wallMicros: number,
): Promise<PastPoint | undefined> {
  const period = periods(entry).findLast(({ fromMicros }) => fromMicros <= wallMicros)
  if (period === undefined) return undefined
  const commit = await cluster.volume.commitAt(period.timeline, wallMicros)
  return commit && { timeline: period.timeline, ...commit }
}

async function atLsn(
  cluster: Cluster,
  entry: DatabaseEntry,
  lsn: Lsn,
  nowMicros: number,
): Promise<PastPoint> {
  const { volume } = cluster
  const head = (await cluster.database(entry)).database.head
  let commit: CommitPoint | undefined
  let timeline = entry.timeline
  if (lsn <= head) {
    await durable(cluster, timeline, lsn)
    commit = await volume.commitAt(timeline, Number.MAX_SAFE_INTEGER, lsn)
  } else {
    const abandoned = periods(entry).findLast((one) => lsn <= volume.log(one.timeline).vdl)
    if (abandoned === undefined) {
      throw new SqlError('22023', `LSN ${formatLsn(lsn)} lies in the future of database "${entry.name}"`, {
        detail: `Its newest commit is at ${formatLsn(head)}.`,
      })
    }
    timeline = abandoned.timeline
    commit = await volume.commitAt(timeline, Number.MAX_SAFE_INTEGER, lsn)
  }
  // A commit is in the window as long as it was still the newest one when the window began.
  const oldest = await volume.commitAt(timeline, nowMicros - retentionMicros(entry), head)
  if (commit === undefined || (oldest !== undefined && commit.lsn < oldest.lsn))
    throw outside(`LSN ${formatLsn(lsn)}`, entry, await windowText(cluster, entry, nowMicros))
  return { timeline, ...commit }
}

/** A database that is open may have commits above what is durable; they will be in a moment. */
async function durable(cluster: Cluster, timeline: TimelineId, lsn: Lsn): Promise<void> {
  const { database } = await cluster.databaseOf(timeline)
  if (lsn <= database.vdl) return
  await new Promise<void>((resolve, reject) =>
    database.onDurable(lsn, (error) => (error === undefined ? resolve() : reject(error))),
  )
}

/** Oldest first. What lies before the first timeline is its ancestors' history. */
function periods(entry: DatabaseEntry): readonly Period[] {
  return [{ timeline: entry.timeline, fromMicros: -Infinity }]
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
  const since = first === undefined ? `its creation` : timeText(from)
  const { lsn } = await newest(cluster, entry)
  const low = first === undefined ? '' : ` (LSN ${formatLsn(first.lsn)})`
  return `The window reaches from ${since}${low} to ${timeText(nowMicros)} (LSN ${formatLsn(lsn)}).`
}

/** As PostgreSQL prints a timestamptz in UTC. */
function timeText(wallMicros: number): string {
  const text = new Date(wallMicros / 1000).toISOString()
  return `${text.slice(0, 10)} ${text.slice(11, 23)}+00`
}
