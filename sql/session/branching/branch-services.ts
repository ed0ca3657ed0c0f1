// What the functions of schema borealis ask of the session (BranchServices): places to read, comparisons, merges.

import type { BranchServices } from '../../functions/borealis.ts'
import type { SessionCore } from '../session-core.ts'
import { diffRows } from './diff.ts'
import { historyRows } from './history.ts'
import { conflictRows, mergeRows } from './merge.ts'
import { Moments } from './moments.ts'
import { Places } from './places.ts'
import { ScanRows } from './scan-rows.ts'
import { schemaDiffRows } from './schema-diff.ts'
import { TaskRows } from './task-rows.ts'

export function branchServices(core: SessionCore): BranchServices {
  /** A comparison sees what is committed, of the session's own database too. */
  const committed = (): Places => {
    const places = new Places(core, undefined)
    core.own(places)
    return places
  }
  const moments = new Moments(core)
  return {
    lsnAt: (when) => moments.lsnAt(when),
    timeAt: (when) => moments.timeAt(when),
    scan: (rowType, where) => new ScanRows(core, committed(), rowType, where),
    diff: (rowType, from, to) =>
      new TaskRows(core, (task) => diffRows(task, committed(), rowType, { from, to })),
    history: (rowType, key) => new TaskRows(core, (task) => historyRows(task, committed(), rowType, key)),
    schemaDiff: (from, to) => new TaskRows(core, (task) => schemaDiffRows(task, committed(), from, to)),
    mergeConflicts: (branch) => new TaskRows(core, (task) => conflictRows(task, committed(), branch)),
    merge: (branch, onConflict) =>
      new TaskRows(core, (task) => mergeRows(task, committed(), branch, onConflict)),
  }
}
