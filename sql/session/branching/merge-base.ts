// The three sides of a merge: ours (the current database), theirs (the branch), and the newest point that both have behind
// them.

import type { Divergence } from '../../../storage/engine/engine.ts'
import { must } from '../../../storage/base/assert.ts'
import { SqlError } from '../../types/sql-error.ts'
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
  const handle = await databases.pastOf(entry, { ...apart.common, wallMicros: 0 })
  const base = await task.step(() => places.at(handle))
  return {
    base,
    ours: { place: ours, divergence: must(await engine.divergence(base.view, ours.view)) },
    theirs: { place: theirs, divergence: must(await engine.divergence(base.view, theirs.view)) },
  }
}
