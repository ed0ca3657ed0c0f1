// Three-way merge of a table's rows: what the branch changed since the base, against what we changed.
//
//   theirs changed, ours did not          take theirs
//   both changed, to the same             nothing to do
//   both changed, to different rows       a conflict, unless it was said who wins

import type { Row } from '../../types/value.ts'
import { readerAt } from './diff.ts'
import type { Side, ThreeWays } from './merge-base.ts'
import { compareTable, type RowChange } from './table-comparison.ts'
import type { TableReader, TableShape } from './table-reader.ts'
import type { Task } from './task-rows.ts'

/** From what we have (undefined: no such row) to what is wanted (undefined: it goes). */
export interface RowStep {
  readonly ours: Row | undefined
  readonly wanted: Row | undefined
}

export interface RowConflict {
  readonly base: Row | undefined
  readonly ours: Row | undefined
  readonly theirs: Row | undefined
}

export interface TableMerge {
  readonly shape: TableShape
  /** How the branch's rows are read; undefined: the table is not there. */
  readonly theirs: TableReader | undefined
  /** Names of the columns that our table had before the merge. */
  readonly ourColumns: ReadonlySet<string>
  readonly steps: readonly RowStep[]
  readonly conflicts: readonly RowConflict[]
}

/** `winner`: whose version of a row that both changed is taken; undefined: neither's. */
export async function mergeTable(
  task: Task,
  ways: ThreeWays,
  shape: TableShape,
  winner: 'ours' | 'theirs' | undefined,
): Promise<TableMerge> {
  const { context } = task.core
  const theirs = readerAt(shape, ways.theirs.place, context)
  const mine = readerAt(shape, ways.ours.place, context)
  const ourColumns = new Set(mine?.theirs.columns.flatMap((one) => (one.isDropped ? [] : [one.name])))
  const nothing = { shape, theirs, ourColumns, steps: [], conflicts: [] }
  if (theirs === undefined) return nothing
  const base = readerAt(shape, ways.base, context)
  const changed = (side: Side): Promise<readonly RowChange[]> =>
    compareTable(task, {
      shape,
      from: base,
      to: readerAt(shape, side.place, context),
      divergence: side.divergence,
    })
  const theirChanges = await changed(ways.theirs)
  if (theirChanges.length === 0) return nothing
  const own = byIdentity(await changed(ways.ours))
  const steps: RowStep[] = []
  const conflicts: RowConflict[] = []
  for (const { identity, old, new: wanted } of theirChanges) {
    const ours = takeMatch(shape, own.get(identity), old === undefined)
    if (ours === undefined) steps.push({ ours: old, wanted })
    else if (!sameRow(shape, ours.new, wanted)) {
      conflicts.push({ base: old ?? ours.old, ours: ours.new, theirs: wanted })
      if (winner === 'theirs') steps.push({ ours: ours.new, wanted })
    }
  }
  return { ...nothing, steps, conflicts }
}

/** Our change of the same row. Without a primary key, only one in the same direction is of the same row. */
function takeMatch(
  shape: TableShape,
  list: RowChange[] | undefined,
  isInsert: boolean,
): RowChange | undefined {
  if (list === undefined) return undefined
  if (shape.primaryKey !== undefined) return list.shift()
  const at = list.findIndex((one) => (one.old === undefined) === isInsert)
  return at < 0 ? undefined : list.splice(at, 1)[0]
}

/** Without a primary key several changes have one identity: each of ours answers one of theirs. */
function byIdentity(changes: readonly RowChange[]): Map<string, RowChange[]> {
  const map = new Map<string, RowChange[]>()
  for (const change of changes) {
    const list = map.get(change.identity)
    if (list === undefined) map.set(change.identity, [change])
    else list.push(change)
  }
  return map
}

function sameRow(shape: TableShape, a: Row | undefined, b: Row | undefined): boolean {
  if (a === undefined || b === undefined) return a === b
  return shape.bytes(a) === shape.bytes(b)
}
