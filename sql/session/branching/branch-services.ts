// What the functions of schema borealis ask of the session (BranchServices): places to read, comparisons, merges.

import type { BranchServices } from '../../functions/borealis.ts'
import type { SessionCore } from '../session-core.ts'
import { diffRows } from './diff.ts'
import { historyRows } from './history.ts'
import { Places } from './places.ts'
import { ScanRows } from './scan-rows.ts'
import { TaskRows } from './task-rows.ts'

export function branchServices(core: SessionCore): BranchServices {
  /** A comparison sees what is committed, of the session's own database too. */
  const committed = (): Places => {
    const places = new Places(core, undefined)
    core.own(places)
    return places
  }
  return {
    scan: (rowType, where) => new ScanRows(core, committed(), rowType, where),
    diff: (rowType, from, to) =>
      new TaskRows(core, (task) => diffRows(task, committed(), rowType, { from, to })),
    history: (rowType, key) => new TaskRows(core, (task) => historyRows(task, committed(), rowType, key)),
  }
}
