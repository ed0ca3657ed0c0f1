// borealis.diff: one row for each row of a table that was inserted, updated or deleted between two places.

import { findTableThere, qualifiedName, tableOfRowType } from '../../exec/open-place.ts'
import type { ComparisonEnd } from '../../functions/borealis.ts'
import { SqlError } from '../../types/sql-error.ts'
import type { TypeContext } from '../../types/type.ts'
import type { Row } from '../../types/value.ts'
import { openEnd } from './places-of-ends.ts'
import type { Places, ServicePlace } from './places.ts'
import { compareTable } from './table-comparison.ts'
import { TableReader, TableShape } from './table-reader.ts'
import type { Task } from './task-rows.ts'

/** Rows (change, old, new), in order of the primary key. */
export async function diffRows(
  task: Task,
  places: Places,
  rowType: number,
  ends: { readonly from: ComparisonEnd; readonly to: ComparisonEnd },
): Promise<readonly Row[]> {
  const { core } = task
  const table = tableOfRowType(core.catalog, rowType, 'diff')
  const shape = new TableShape(table, core.catalog)
  const from = await task.step(() => openEnd(core, places, ends.from))
  const to = await task.step(() => openEnd(core, places, ends.to))
  const readers = [readerAt(shape, from), readerAt(shape, to)]
  if (readers.every((reader) => reader === undefined)) {
    const name = qualifiedName(table, core.catalog)
    throw new SqlError('42P01', `relation "${name}" does not exist at either end of the comparison`)
  }
  const divergence = await core.backend.engine.divergence(from.view, to.view)
  const comparison = { shape, from: readers[0], to: readers[1], divergence }
  const changes = await compareTable(task, comparison)
  return changes.map(({ old, new: current }) => [
    old === undefined ? 'insert' : current === undefined ? 'delete' : 'update',
    old === undefined ? null : shape.record(old),
    current === undefined ? null : shape.record(current),
  ])
}

/** The table there, readable by the session's role; undefined if there is none. */
export function readerAt(
  shape: TableShape,
  place: ServicePlace,
  conversion?: TypeContext,
): TableReader | undefined {
  const theirs = findTableThere(shape.table, shape.catalog, place.catalog)
  if (theirs === undefined) return undefined
  place.requireSelect(theirs)
  return new TableReader(shape, theirs, place, conversion)
}
