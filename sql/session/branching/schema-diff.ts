// borealis.schema_diff: the objects that were created, dropped or altered between two places.

import type { Row } from '../../types/value.ts'
import { openEnd } from './places-of-ends.ts'
import type { Places } from './places.ts'
import { describeSchema, OBJECT_KINDS, type SchemaObject } from './schema-objects.ts'
import type { Task } from './task-rows.ts'

export interface ObjectChange {
  readonly from: SchemaObject | undefined
  readonly to: SchemaObject | undefined
}

/** What differs, in the order of kinds, then of making. */
export function compareSchemas(
  from: ReadonlyMap<string, SchemaObject>,
  to: ReadonlyMap<string, SchemaObject>,
): readonly ObjectChange[] {
  const changes: ObjectChange[] = []
  for (const [key, before] of from) {
    const after = to.get(key)
    if (after?.definition !== before.definition) changes.push({ from: before, to: after })
  }
  for (const [key, after] of to) if (!from.has(key)) changes.push({ from: undefined, to: after })
  const order = ({ from: before, to: after }: ObjectChange): number =>
    OBJECT_KINDS.indexOf((before ?? after)?.kind ?? 'view')
  return changes.sort((a, b) => order(a) - order(b))
}

/** Whether the change is told by that of its table: a column of a new table, a constraint of a dropped one. */
export function isPartOf(change: ObjectChange, changes: readonly ObjectChange[]): boolean {
  const object = change.from ?? change.to
  if (object?.about !== undefined) {
    const gone = (one: ObjectChange): boolean =>
      one.to === undefined && (isNamed(one, object.about) || isNamed(one, `table ${object.table ?? ''}`))
    return changes.some(gone)
  }
  if (object?.table === undefined) return false
  const ofTable = changes.find(
    ({ from, to }) => (from ?? to)?.kind === 'table' && (from ?? to)?.name === object.table,
  )
  if (ofTable === undefined) return false
  return ofTable.to === undefined || object.kind === 'column' || object.isPrimaryKey
}

function isNamed({ from }: ObjectChange, key: string | undefined): boolean {
  return from !== undefined && `${from.kind} ${from.name}` === key
}

/** Rows (change, kind, object, from definition, to definition). */
export async function schemaDiffRows(
  task: Task,
  places: Places,
  from: string,
  to: string,
): Promise<readonly Row[]> {
  const { core } = task
  const before = await task.step(() => openEnd(core, places, from))
  const after = await task.step(() => openEnd(core, places, to))
  const changes = compareSchemas(describeSchema(core, before.catalog), describeSchema(core, after.catalog))
  const text = (object: SchemaObject | undefined): string | null =>
    object === undefined ? null : object.kind === 'table' ? object.create : object.definition
  return changes
    .filter((change) => !isPartOf(change, changes))
    .map(({ from: old, to: current }) => {
      const { kind, name } = (current ?? old) as SchemaObject
      const change = old === undefined ? 'created' : current === undefined ? 'dropped' : 'altered'
      return [change, kind, name, text(old), text(current)]
    })
}
