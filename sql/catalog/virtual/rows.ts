// How computed relations are written down: a function that gives rows as objects by column name, put into the relation's
// own column order here. Rows are made eagerly, in arrays; those that must be asked of storage suspend before the first.

import { must } from '../../../storage/base/assert.ts'
import { type Row, type Value, ArrayValue } from '../../types/value.ts'
import { ACLITEM_OID, TEXT_OID } from '../../types/oids.ts'
import { formatAclItem } from '../acl.ts'
import type { Acl, Catalog, ServerState, SharedCatalog, Table, VirtualRelation } from '../catalog.ts'
import { SYSTEM_SCHEMA_OID, systemRelationByName, type SystemSchema } from '../system-relations.ts'

/** One row by column name; what is left out is NULL. */
export type Fields = Readonly<Record<string, Value>>

export type MakeRows = (catalog: Catalog, server: ServerState) => Iterable<Fields>

/** Rows with a certain value in a column; more rows than asked for are fine. */
export type FindRows = (catalog: Catalog, key: NonNullable<Value>, server: ServerState) => Iterable<Fields>

export interface RelationSource {
  readonly rows: MakeRows
  readonly lookups?: Readonly<Record<string, FindRows>> | undefined
}

/** A computed relation from a source of objects. */
export function fromFields(schema: SystemSchema, name: string, source: RelationSource): VirtualRelation {
  let shape: Shape | undefined
  const shapeOf = (): Shape => (shape ??= new Shape(schema, name))
  const arrayOf = (fields: Iterable<Fields>): Row[] => Array.from(fields, (item) => shapeOf().row(item))
  let lookups: VirtualRelation['lookups'] | undefined
  return {
    rows: (catalog, server) => arrayOf(source.rows(catalog, server)),
    get lookups() {
      lookups ??= Object.entries(source.lookups ?? {}).map(([column, find]) => ({
        column: shapeOf().index(column),
        find: (catalog: Catalog, key: Value, server: ServerState) =>
          key === null ? [] : arrayOf(find(catalog, key, server)),
      }))
      return lookups
    },
  }
}

class Shape {
  readonly #indexes: ReadonlyMap<string, number>
  readonly #count: number

  constructor(schema: SystemSchema, name: string) {
    const table = must(
      systemRelationByName(SYSTEM_SCHEMA_OID[schema], name),
      'a computed relation exists',
    ) as Table
    this.#indexes = new Map(table.columns.map((column, i) => [column.name, i]))
    this.#count = table.columns.length
  }

  index(column: string): number {
    return must(this.#indexes.get(column), 'a column of the relation')
  }

  row(fields: Fields): Row {
    const row: Row = new Array<Value>(this.#count).fill(null)
    for (const name in fields) row[this.index(name)] = fields[name] ?? null
    return row
  }
}

export function textArray(elements: readonly string[]): ArrayValue {
  return new ArrayValue(TEXT_OID, elements)
}

/** An acl column's value: NULL for the built-in default. */
export function aclValue(acl: Acl, shared: SharedCatalog): Value {
  if (acl === undefined) return null
  return new ArrayValue(
    ACLITEM_OID,
    acl.map((item) => formatAclItem(item, shared)),
  )
}

export function optionsValue(options: readonly string[]): Value {
  return options.length === 0 ? null : textArray(options)
}
