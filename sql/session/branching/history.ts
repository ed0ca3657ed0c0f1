// borealis.history: the versions of one row, from the newest back.
//
//   now ──▶ cell, put at LSN 900 ──▶ read just before 900 ──▶ cell, put at 640 ──▶ ... ──▶ none: look where none ends
//
// Where there is a cell, its LSN says since when it is there. Where there is none, the pages on the way to its key have not
// changed since the highest of their LSNs: that is as far as one can go back at once. Reading is done at commits only, as
// what lies between two of them nobody ever saw.

import { must } from '../../../storage/base/assert.ts'
import { ByteWriter } from '../../../storage/base/byte-writer.ts'
import { StorageError } from '../../../storage/base/errors.ts'
import { formatLsn, type Lsn, LSN_ZERO } from '../../../storage/base/ids.ts'
import type { View } from '../../../storage/engine/engine.ts'
import type { Catalog, Index, Table } from '../../catalog/catalog.ts'
import { findTableThere, tableOfRowType } from '../../exec/open-place.ts'
import { keyColumnsOf, rowKeyOf, rowKeySize } from '../../exec/modify/index-key.ts'
import type { TypedValue } from '../../functions/borealis.ts'
import { compileKeyEncoder } from '../../types/key-codec.ts'
import { SqlError } from '../../types/sql-error.ts'
import type { Row, Value } from '../../types/value.ts'
import type { SessionCore } from '../session-core.ts'
import type { Places, ServicePlace } from './places.ts'
import { TableReader, TableShape } from './table-reader.ts'
import type { Task } from './task-rows.ts'

const EPOCH_2000_MICROS = 946_684_800_000_000

/** A state of the row that began with the record at `lsn`; without a row: it was not there. */
interface State {
  readonly lsn: Lsn
  readonly row: Row | undefined
}

/** What is found at one read point. */
interface Found {
  readonly row: Row | undefined
  /** Since when: LSN of the cell, or of what last changed on the way to where it is not. 0: since ever. */
  readonly since: Lsn
}

/** Rows (lsn, time, process id, role, change, version), oldest first. */
export async function historyRows(
  task: Task,
  places: Places,
  rowType: number,
  key: readonly TypedValue[],
): Promise<readonly Row[]> {
  const { core } = task
  const table = tableOfRowType(core.catalog, rowType, 'history')
  const shape = new TableShape(table, core.catalog)
  const values = keyValues(core, shape, key)
  const place = await task.step(() => places.open({ branch: null, when: null }))
  place.requireSelect(table)
  const { states, isWhole } = await statesOf(task, place, shape, values)
  const rows: Row[] = []
  for (const [i, { lsn, row }] of states.entries()) {
    const before = states[i - 1]
    if (row === undefined && before?.row === undefined) continue
    const isFirst = before?.row === undefined && (before !== undefined || isWhole)
    const change = row === undefined ? 'delete' : isFirst ? 'insert' : 'update'
    const version = row === undefined ? null : shape.record(row)
    rows.push([...(await commitColumns(core, place.view, lsn)), change, version])
  }
  return rows
}

/** LSN, time, process id and role of the commit that wrote a record. */
async function commitColumns(core: SessionCore, view: View, lsn: Lsn): Promise<Row> {
  const commit = await keptOrNot(core.backend.engine.commitOf(view, lsn))
  if (commit === undefined) return [formatLsn(lsn), null, null, null]
  const { processId, roleOid } = commit.origin
  const role = roleOid === 0 ? null : (core.catalog.shared.role(roleOid)?.name ?? null)
  return [
    formatLsn(commit.lsn),
    commit.wallMicros - EPOCH_2000_MICROS,
    processId === 0 ? null : processId,
    role,
  ]
}

/** All states, oldest first. `isWhole`: the row was not there before the first; else history is not kept further back. */
async function statesOf(
  task: Task,
  place: ServicePlace,
  shape: TableShape,
  key: Row,
): Promise<{ readonly states: readonly State[]; readonly isWhole: boolean }> {
  const { engine } = task.core.backend
  const states: State[] = []
  let { readLsn } = place.view
  for (;;) {
    const found = await foundAt(task, place, shape, key, readLsn)
    if (found === undefined) return { states: states.reverse(), isWhole: false }
    const newest = states.at(-1)
    if (found.row === undefined && newest !== undefined && newest.row === undefined) {
      states[states.length - 1] = { lsn: found.since, row: undefined }
    } else states.push({ lsn: found.since, row: found.row })
    if (found.since === LSN_ZERO) break
    const before = await keptOrNot(engine.commitAtOrBelow(place.view, (found.since - 1) as Lsn))
    if (before === undefined) return { states: states.reverse(), isWhole: false }
    if (before === LSN_ZERO) break
    readLsn = before
  }
  return { states: states.reverse(), isWhole: true }
}

/** The row at a read point; undefined when that lies outside the history that is kept. */
async function foundAt(
  task: Task,
  place: ServicePlace,
  shape: TableShape,
  key: Row,
  readLsn: Lsn,
): Promise<Found | undefined> {
  const view = place.view.database.view(readLsn)
  return keptOrNot(stateAt(task, place, shape, { key, view }))
}

/** An answer of storage, or undefined when it lies in history that is not kept any more. */
async function keptOrNot<T>(answer: Promise<T>): Promise<T | undefined> {
  try {
    return await answer
  } catch (error) {
    if (error instanceof StorageError && error.kind === 'out-of-window') return undefined
    throw error
  }
}

async function stateAt(
  task: Task,
  place: ServicePlace,
  shape: TableShape,
  { key, view }: { readonly key: Row; readonly view: View },
): Promise<Found> {
  const catalog = await task.step(() => place.handle.catalogs.at(view))
  const table = findTableThere(shape.table, shape.catalog, catalog)
  if (table === undefined) return { row: undefined, since: LSN_ZERO }
  const reader = new TableReader(shape, table, { catalog, databaseName: place.databaseName, view })
  return await task.step(() => lookUp(reader, catalog, view, key))
}

const writer = new ByteWriter()

/** The row by its primary key, as it was called then. May suspend. */
function lookUp(reader: TableReader, catalog: Catalog, view: View, key: Row): Found {
  const table = reader.theirs
  const type = (oid: number): ReturnType<typeof typeOf> => typeOf(catalog, oid)
  const index = primaryKeyOf(table)
  writer.reset()
  compileKeyEncoder(keyColumnsOf(index, type))(key, writer)
  const { database } = view
  const indexKey = writer.copy()
  const entry = database.get(view, index.tree, indexKey)
  if (entry === undefined) return { row: undefined, since: database.pathLsn(view, index.tree, indexKey) }
  if (index.isClustered) return { row: reader.read(entry), since: entry.lsn }
  const since = entry.lsn
  const cell = must(database.get(view, table.tree, rowKeyOf(entry, rowKeySize(table, type))))
  return { row: reader.read(cell), since: Math.max(since, cell.lsn) as Lsn }
}

function typeOf(catalog: Catalog, oid: number): NonNullable<ReturnType<Catalog['type']>> {
  return must(catalog.type(oid))
}

function primaryKeyOf(table: Table): Index {
  const index = table.indexes.find(({ isPrimary }) => isPrimary)
  if (index !== undefined) return index
  throw new SqlError('42P10', `table "${table.name}" has no primary key`, {
    detail: 'Versions of a row are found by its primary key.',
  })
}

/** The key's values in the types of the primary key's columns. SqlError 42883, 22P02, 22003, ... */
function keyValues(core: SessionCore, shape: TableShape, given: readonly TypedValue[]): Row {
  const { table, catalog } = shape
  const index = primaryKeyOf(table)
  if (given.length !== index.columns.length) {
    throw new SqlError(
      '42883',
      `the primary key of table "${table.name}" has ${index.columns.length} columns`,
      {
        detail: `${given.length} values were given.`,
      },
    )
  }
  return index.columns.map(({ column }, i) => {
    const { type, typmod, name } = must(table.columns[column])
    const { value, type: from } = must(given[i])
    if (value === null) throw new SqlError('22004', `the value of key column "${name}" is NULL`)
    return convert(core, { value, type: from }, { catalog, type, typmod })
  })
}

/** Through the text form: any type that prints what the other reads will do. */
function convert(
  core: SessionCore,
  { value, type: from }: { readonly value: NonNullable<Value>; readonly type: number },
  to: { readonly catalog: Catalog; readonly type: number; readonly typmod: number },
): Value {
  if (from === to.type) return value
  const text = typeof value === 'string' ? value : typeOf(to.catalog, from).output(value, core.context)
  return typeOf(to.catalog, to.type).input(text, to.typmod, core.context)
}
