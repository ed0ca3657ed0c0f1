// The three sides of a merge: ours (the current database), theirs (the branch), and the base: what both have in them.
//
//   ours    ───●──────────────M1───────────▶      M1 was made of theirs at T1, and says so in our catalog. What theirs
//              └──────●───────/T1──────────▶      has changed since T1 is new; all before is here already, or was
//   theirs                                        decided against. So the base of the next merge is T1.
//
// It is the newest of: what was merged last, in either direction, as far as the databases still contain it (a backtrack may
// have gone behind it) and the retention keeps it; else the newest point that both have behind them.

import type { Divergence } from '../../../storage/engine/engine.ts'
import { must } from '../../../storage/base/assert.ts'
import type { Lsn, TimelineId } from '../../../storage/base/ids.ts'
import type { TimelineInfo, Volume } from '../../../storage/volume/volume.ts'
import type { DatabaseEntry } from '../../catalog/catalog.ts'
import { retentionMicros } from '../../catalog/past.ts'
import { SqlError } from '../../types/sql-error.ts'
import { ddlContext } from '../utility/ddl-statement.ts'
import type { Places, ServicePlace } from './places.ts'
import type { Task } from './task-rows.ts'

export interface Side {
  readonly place: ServicePlace
  /** What this side changed since the base. */
  readonly divergence: Divergence
}

export interface ThreeWays {
  readonly base: ServicePlace
  readonly ours: Side
  readonly theirs: Side
}

/** SqlError 3D000, 42501; 55000 for databases without common history, 22023 for the current one. */
export async function threeWays(task: Task, places: Places, branch: string): Promise<ThreeWays> {
  const { core } = task
  if (branch === core.catalog.databaseName)
    throw new SqlError('22023', `database "${branch}" cannot be merged into itself`)
  const theirs = await task.step(() => places.open({ branch, when: null }))
  const ours = await task.step(() => places.open({ branch: null, when: null }))
  const { engine, catalogs, databases } = core.backend
  const apart = await engine.divergence(ours.view, theirs.view)
  if (apart === undefined) {
    throw new SqlError('55000', `databases "${ours.databaseName}" and "${branch}" have no history in common`)
  }
  const entry = must(catalogs.shared.database(core.handle.oid), 'the entry of an open database')
  const last = await lastMerge(task, ours, theirs)
  const handle = await databases.pastOf(last?.entry ?? entry, {
    ...(last?.point ?? apart.common),
    wallMicros: 0,
  })
  const base = await task.step(() => places.at(handle))
  return {
    base,
    ours: { place: ours, divergence: must(await engine.divergence(base.view, ours.view)) },
    theirs: { place: theirs, divergence: must(await engine.divergence(base.view, theirs.view)) },
  }
}

interface MergedPoint {
  /** Of the database whose state was merged into the other one. */
  readonly entry: DatabaseEntry
  readonly point: TimelinePoint
  readonly wallMicros: number
}

interface TimelinePoint {
  readonly timeline: TimelineId
  readonly lsn: Lsn
}

/** The newest merge of one into the other, if both still contain it. */
async function lastMerge(
  task: Task,
  ours: ServicePlace,
  theirs: ServicePlace,
): Promise<MergedPoint | undefined> {
  const found = [await mergeOf(task, theirs, ours), await mergeOf(task, ours, theirs)]
  return found
    .filter((one) => one !== undefined)
    .toSorted((a, b) => a.wallMicros - b.wallMicros)
    .at(-1)
}

/** What of `source` was merged into `target` last. */
async function mergeOf(
  task: Task,
  source: ServicePlace,
  target: ServicePlace,
): Promise<MergedPoint | undefined> {
  const { catalogs, clock } = task.core.backend
  const { oid } = source.handle
  const entry = catalogs.shared.database(oid)
  const contents = await task.step(() => target.handle.catalogs.store.at(target.view))
  const merge = contents.object('merge', oid)
  if (entry === undefined || merge === undefined || !contains(catalogs.volume, source, merge))
    return undefined
  const isKept = merge.wallMicros > clock.wallMicros() - retentionMicros(entry)
  return isKept ? { entry, point: merge, wallMicros: merge.wallMicros } : undefined
}

/** Whether a place has a point of history behind it. */
function contains(volume: Volume, { handle, view }: ServicePlace, { timeline, lsn }: TimelinePoint): boolean {
  let upTo: number = view.readLsn
  for (let at: TimelineId | undefined = handle.database.timeline; at !== undefined;) {
    if (at === timeline) return lsn <= upTo
    const parent: TimelineInfo['parent'] = volume.timeline(at)?.parent
    upTo = Math.min(upTo, parent?.lsn ?? 0)
    at = parent?.timeline
  }
  return false
}

/** Keeps in mind what was merged, as part of the transaction that merges it. */
export async function recordMerge(task: Task, { theirs }: ThreeWays): Promise<void> {
  const { core } = task
  const { handle, view } = theirs.place
  const editor = ddlContext(core, []).editor()
  const { oid, database } = handle
  const wallMicros = core.backend.clock.wallMicros()
  await task.step(() =>
    editor.put({ kind: 'merge', oid, timeline: database.timeline, lsn: view.readLsn, wallMicros }),
  )
}
