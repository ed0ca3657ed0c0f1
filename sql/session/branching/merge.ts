// borealis.merge: what a branch changed since it parted from the current database, done here too, in the transaction that
// calls it.
//
//   schemas ─▶ conflicts? ─▶ statements before ─▶ rows of each table ─▶ foreign keys ─▶ statements after ─▶ sequences
//   rows ────▶            └▶ error, or who wins      removed, changed, inserted

import { must } from '../../../storage/base/assert.ts'
import { executeDdl } from '../../ddl/execute.ts'
import type { Catalog, Sequence, Table } from '../../catalog/catalog.ts'
import { findTableThere, qualifiedName } from '../../exec/open-place.ts'
import { Runtime } from '../../exec/runtime.ts'
import { toJsonb } from '../../functions/json-build.ts'
import { encodeString } from '../../functions/json-text.ts'
import { quoteIdentifier } from '../../functions/quote.ts'
import { parseSql } from '../../parse/parse.ts'
import { SqlError } from '../../types/sql-error.ts'
import type { Row } from '../../types/value.ts'
import { RunContext } from '../run-context.ts'
import type { SessionCore } from '../session-core.ts'
import { ddlContext } from '../utility/ddl-statement.ts'
import { recordMerge, type ThreeWays, threeWays } from './merge-base.ts'
import type { Places } from './places.ts'
import { RowApplier } from './row-applier.ts'
import { mergeTable, type TableMerge } from './row-merge.ts'
import { mergeSchemas, type SchemaConflict, type SchemaMerge } from './schema-merge.ts'
import { describeSchema, type SchemaObject } from './schema-objects.ts'
import { TableShape } from './table-reader.ts'
import type { Task } from './task-rows.ts'

type Winner = 'ours' | 'theirs' | undefined

/** Its own class: the same merge will not succeed when it is tried again. */
const MERGE_CONFLICT = 'BM001'
const CONFLICTS_SHOWN = 5

/** Rows (relation, key, base, ours, theirs). */
export async function conflictRows(task: Task, places: Places, branch: string): Promise<readonly Row[]> {
  const { core } = task
  const ways = await threeWays(task, places, branch)
  const rows: Row[] = mergedSchemas(core, ways, undefined).conflicts.map(schemaConflictRow)
  for (const table of userTables(core.catalog)) {
    if (findTableThere(table, core.catalog, ways.theirs.place.catalog) === undefined) continue
    const merge = await mergeTable(task, ways, new TableShape(table, core.catalog), undefined)
    rows.push(...rowConflicts(core, merge))
  }
  return rows
}

/** Rows (action, object, rows) of what was done. SqlError BM001 for conflicts when nobody wins. */
export async function mergeRows(
  task: Task,
  places: Places,
  branch: string,
  onConflict: string | null,
): Promise<readonly Row[]> {
  const { core } = task
  core.requireWritable('borealis.merge()')
  const winner = winnerOf(onConflict)
  if (core.transaction.engineTransaction?.hasWrites === true || core.transaction.currentEdit !== undefined) {
    throw new SqlError('25001', 'borealis.merge() must come before other changes of its transaction')
  }
  const ways = await threeWays(task, places, branch)
  const schemas = mergedSchemas(core, ways, winner)
  if (winner === undefined && schemas.conflicts.length > 0)
    throw conflictError(branch, schemas.conflicts.map(schemaConflictRow))
  const done: Row[] = schemas.steps.map(({ action, kind, name }) => [`${action} ${kind}`, name, null])
  for (const step of schemas.steps) for (const text of step.before) await runStatement(core, text)
  done.push(...(await mergeData(task, ways, branch, winner)))
  for (const step of schemas.steps) for (const text of step.after) await runStatement(core, text)
  done.push(...(await moveSequences(task, ways)))
  await recordMerge(task, ways)
  return done
}

function winnerOf(onConflict: string | null): Winner {
  if (onConflict === null) return undefined
  if (onConflict === 'ours' || onConflict === 'theirs') return onConflict
  throw new SqlError('22023', `unrecognized value for on_conflict: "${onConflict}"`, {
    hint: "Use 'ours' or 'theirs', or leave it out to be told of conflicts.",
  })
}

function mergedSchemas(core: SessionCore, { base, ours, theirs }: ThreeWays, winner: Winner): SchemaMerge {
  const sides = {
    base: describeSchema(core, base.catalog),
    ours: describeSchema(core, ours.place.catalog),
    theirs: describeSchema(core, theirs.place.catalog),
  }
  return mergeSchemas(sides, winner)
}

async function runStatement(core: SessionCore, text: string): Promise<void> {
  for (const parsed of parseSql(text)) await executeDdl(parsed, ddlContext(core, []))
}

function* userTables(catalog: Catalog): Iterable<Table> {
  for (const relation of catalog.relations()) {
    if (relation.kind !== 'table' || relation.isCompositeType || relation.virtual !== undefined) continue
    if (relation.persistence !== 'temporary') yield relation
  }
}

async function mergeData(task: Task, ways: ThreeWays, branch: string, winner: Winner): Promise<Row[]> {
  const { core } = task
  const merges: TableMerge[] = []
  for (const table of userTables(core.catalog)) {
    const merge = await mergeTable(task, ways, new TableShape(table, core.catalog), winner)
    if (merge.steps.length > 0 || merge.conflicts.length > 0) merges.push(merge)
  }
  const conflicts = merges.flatMap((merge) => rowConflicts(core, merge))
  if (winner === undefined && conflicts.length > 0) throw conflictError(branch, conflicts)
  return applyRows(
    task,
    merges.filter(({ steps }) => steps.length > 0),
  )
}

/** All tables as one statement: its end, when foreign keys are checked, comes after the last of them. */
async function applyRows(task: Task, merges: readonly TableMerge[]): Promise<Row[]> {
  const { core } = task
  const runtime = writingRuntime(core)
  for (const { shape } of merges) {
    if (!core.isSuperuser) core.backend.checkPrivileges(core, writeOf(shape.table.oid))
    await task.step(() => core.transaction.writer().lockTable(shape.table.oid, 3, 'wait'))
  }
  const appliers = merges.map((merge) => new RowApplier(task, merge, runtime))
  for (const applier of appliers) await applier.remove(task)
  for (const applier of appliers) await applier.change(task)
  for (const applier of appliers) await applier.insert(task)
  await task.step(() => runtime.finish())
  runtime.close()
  return merges.flatMap(({ shape }, i) => {
    const name = qualifiedName(shape.table, core.catalog)
    const counts = Object.entries(must(appliers[i]).applied)
    return counts.flatMap(([action, count]): Row[] => (count === 0 ? [] : [[action, name, count]]))
  })
}

function writeOf(oid: number): Parameters<SessionCore['backend']['checkPrivileges']>[1] {
  return { privileges: [{ relation: oid, privilege: 'rawd' }] } as never
}

function writingRuntime(core: SessionCore): Runtime {
  const { transaction } = core
  const writer = transaction.writer()
  const commandId = transaction.nextCommandId()
  const view = transaction.statementView(commandId)
  view.transaction = writer
  core.views.hold(view)
  const run = {
    catalog: core.catalog,
    parameters: [],
    view,
    transaction: writer,
    isolation: transaction.isolation,
    commandId,
  }
  return new Runtime(new RunContext(core, run), 0)
}

// --- conflicts ---

function schemaConflictRow({ kind, name, base, ours, theirs }: SchemaConflict): Row {
  const text = (object: SchemaObject | undefined): string | null =>
    object === undefined ? null : encodeString(object.definition)
  return [name, `{"kind": ${encodeString(kind)}}`, text(base), text(ours), text(theirs)]
}

function rowConflicts(core: SessionCore, { shape, conflicts }: TableMerge): Row[] {
  const name = qualifiedName(shape.table, shape.catalog)
  const json = (row: Row | undefined): string | null =>
    row === undefined ? null : toJsonb(core.context, shape.table.rowTypeOid, shape.record(row))
  return conflicts.map(({ base, ours, theirs }) => {
    const some = must(base ?? ours ?? theirs)
    const members = shape.keyPositions.map((at) => {
      const column = must(shape.table.columns[must(shape.live[at])])
      return `${encodeString(column.name)}: ${toJsonb(core.context, column.type, some[at] ?? null)}`
    })
    return [name, `{${members.join(', ')}}`, json(base), json(ours), json(theirs)]
  })
}

function conflictError(branch: string, conflicts: readonly Row[]): SqlError {
  const count = conflicts.length
  const shown = conflicts
    .slice(0, CONFLICTS_SHOWN)
    .map(([relation, key]) => `${String(relation)} ${String(key)}`)
  const rest = count > CONFLICTS_SHOWN ? `, and ${count - CONFLICTS_SHOWN} more` : ''
  const noun = count === 1 ? '1 conflict' : `${count} conflicts`
  return new SqlError(MERGE_CONFLICT, `merge of database "${branch}" has ${noun}`, {
    detail: `Both sides changed ${shown.join(', ')}${rest}.`,
    hint:
      `SELECT * FROM borealis.merge_conflicts('${branch.replaceAll("'", "''")}') shows them; ` +
      `on_conflict => 'ours' or 'theirs' decides.`,
  })
}

// --- sequences ---

/** Sequences go on behind the values that the branch has given out. */
async function moveSequences(task: Task, ways: ThreeWays): Promise<Row[]> {
  const { core } = task
  const { place } = ways.theirs
  const moved: Row[] = []
  for (const theirs of place.catalog.relations()) {
    if (theirs.kind !== 'sequence') continue
    const ours = sequenceHere(core.catalog, place.catalog, theirs)
    if (ours === undefined) continue
    const there = await task.step(() => place.handle.catalogs.sequences.at(place.view, theirs))
    if (!there.isCalled) continue
    const existed = ways.ours.place.catalog.relation(ours.oid)?.kind === 'sequence'
    const { sequences } = core.handle.catalogs
    const here = existed ? await task.step(() => sequences.current(ours)) : undefined
    const isUp = BigInt(ours.increment) > 0n
    const isBehind =
      here === undefined ||
      (isUp ? BigInt(here.last) < BigInt(there.last) : BigInt(here.last) > BigInt(there.last))
    if (!isBehind) continue
    const name = `${quoteIdentifier(must(core.catalog.schema(ours.schemaOid)).name)}.${quoteIdentifier(ours.name)}`
    // A new one belongs to this transaction; one that others use moves at once, as nextval would.
    if (existed) await task.step(() => sequences.set(ours, there.last, true))
    else
      await runStatement(
        core,
        `ALTER SEQUENCE ${name} RESTART WITH ${BigInt(there.last) + BigInt(ours.increment)}`,
      )
    moved.push(['move sequence', name, null])
  }
  return moved
}

/** Of the same name; or, for identity columns, of the same column. */
function sequenceHere(ours: Catalog, theirs: Catalog, sequence: Sequence): Sequence | undefined {
  const owner = theirs.relation(sequence.ownedByTable)
  const table = owner?.kind === 'table' ? findTableThere(owner, theirs, ours) : undefined
  if (owner?.kind === 'table' && table !== undefined) {
    const column = owner.columns.find(({ number }) => number === sequence.ownedByColumn)
    const here = table.columns.find(({ name, isDropped }) => !isDropped && name === column?.name)
    const found = here === undefined ? undefined : ours.relation(here.sequenceOid)
    if (found?.kind === 'sequence') return found
  }
  const schema = ours.schemaByName(must(theirs.schema(sequence.schemaOid)).name)
  const found = schema === undefined ? undefined : ours.relationByName(schema.oid, sequence.name)
  return found?.kind === 'sequence' ? found : undefined
}
