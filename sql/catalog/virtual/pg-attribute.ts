// pg_attribute and pg_attrdef: columns of tables, views, indexes, sequences and row types, system columns included.

import { CSTRING_OID, INT8_OID, NAME_OID } from '../../types/oids.ts'
import { ArrayValue, type Value } from '../../types/value.ts'
import type { Catalog, Column, Index, Relation, Table, View } from '../catalog.ts'
import { neutralContext } from '../created-types.ts'
import { COLUMN_DEFAULTS } from '../stored-objects.ts'
import { relkindOf, tableOfIndex } from './pg-class.ts'
import { aclValue, type Fields, type RelationSource } from './rows.ts'
import { typeStorage } from './type-storage.ts'

/** Columns every table has without declaring them (documentation, section 5.5). */
const SYSTEM_COLUMNS: readonly (readonly [number, string, number])[] = [
  [-6, 'tableoid', 26],
  [-5, 'cmax', 29],
  [-4, 'xmax', 28],
  [-3, 'cmin', 29],
  [-2, 'xmin', 28],
  [-1, 'ctid', 27],
]

interface Attribute {
  readonly relation: number
  readonly number: number
  readonly name: string
  readonly type: number
  readonly column: Column
}

function attributeRow(catalog: Catalog, { relation, number, name, type, column }: Attribute): Fields {
  const storage = typeStorage(catalog, type)
  const isArray = catalog.type(type)?.kind === 'array' && storage.length === -1
  return {
    attrelid: relation,
    attname: name,
    atttypid: column.isDropped ? 0 : type,
    attstattarget: number < 0 || column.isDropped ? 0 : column.statisticsTarget,
    attlen: storage.length,
    attnum: number,
    attndims: isArray && !column.isDropped ? 1 : 0,
    attcacheoff: -1,
    atttypmod: column.typmod,
    attbyval: storage.byValue,
    attalign: storage.align,
    attstorage: storage.storage,
    attcompression: '',
    attnotnull: column.notNull,
    atthasdef: column.default !== undefined,
    atthasmissing: column.missing !== undefined,
    attidentity: column.identity === undefined ? '' : column.identity === 'always' ? 'a' : 'd',
    attgenerated: column.generated ? 's' : '',
    attisdropped: column.isDropped,
    attislocal: true,
    attinhcount: 0,
    attcollation: column.collation,
    attacl: aclValue(column.acl, catalog.shared),
    attoptions: null,
    attfdwoptions: null,
    attmissingval: missingValue(catalog, column),
  }
}

/** anyarray of one element. */
function missingValue(catalog: Catalog, column: Column): Value {
  const type = column.missing === undefined ? undefined : catalog.type(column.type)
  if (type === undefined || column.missing === undefined) return null
  const context = neutralContext((oid) => catalog.type(oid) ?? type)
  return new ArrayValue(type.oid, [type.input(column.missing, column.typmod, context)])
}

const plain = (number: number, name: string, type: number, notNull = true): Column => ({
  ...COLUMN_DEFAULTS,
  number,
  name,
  type,
  notNull,
  statisticsTarget: -1,
})

function* attributesOf(catalog: Catalog, relation: Relation): Iterable<Fields> {
  const { oid } = relation
  const row = (column: Column): Fields =>
    attributeRow(catalog, {
      relation: oid,
      number: column.number,
      name: column.name,
      type: column.type,
      column,
    })
  switch (relation.kind) {
    case 'table':
    case 'view': {
      const isView = relkindOf(relation) === 'v'
      // A view's columns have no declared dimensions.
      for (const column of relation.columns) yield isView ? { ...row(column), attndims: 0 } : row(column)
      if (relkindOf(relation) === 'r') yield* systemColumns(catalog, oid)
      return
    }
    case 'index':
      yield* indexAttributes(catalog, relation)
      return
    case 'sequence':
      yield row(plain(1, 'last_value', INT8_OID))
      yield row(plain(2, 'log_cnt', INT8_OID))
      yield row(plain(3, 'is_called', 16))
      yield* systemColumns(catalog, oid)
      return
  }
}

function* systemColumns(catalog: Catalog, relation: number): Iterable<Fields> {
  for (const [number, name, type] of SYSTEM_COLUMNS) {
    yield attributeRow(catalog, { relation, number, name, type, column: plain(number, name, type) })
  }
}

function* indexAttributes(catalog: Catalog, index: Index): Iterable<Fields> {
  const table = tableOfIndex(catalog, index)
  let number = 0
  const places = [...index.columns.map((key) => key.column), ...index.included]
  for (const [i, place] of places.entries()) {
    number++
    const key = index.columns[i]
    const column = place >= 0 ? table.columns[place] : undefined
    const type = keyType(index, i, column?.type ?? key?.type ?? 0)
    const name = column?.name ?? expressionName(index, i)
    const shown: Column = {
      ...plain(number, name, type, false),
      typmod: column?.typmod ?? -1,
      collation: key?.collation ?? 0,
      statisticsTarget: -1,
    }
    yield attributeRow(catalog, { relation: index.oid, number, name, type, column: shown })
  }
}

/** btree keeps names as C strings (pg_opclass.opckeytype of name_ops). */
function keyType(index: Index, at: number, type: number): number {
  return type === NAME_OID && index.method === 'btree' && at < index.columns.length ? CSTRING_OID : type
}

/** Names of expression columns: the function's, or expr; numbered when they repeat. */
function expressionName(index: Index, at: number): string {
  const nameOf = (i: number): string => {
    const text = index.columns[i]?.expression ?? ''
    return /^([a-z_][\w$]*)\(/i.exec(text)?.[1] ?? 'expr'
  }
  const name = nameOf(at)
  let same = 0
  for (let i = 0; i < at; i++) if ((index.columns[i]?.column ?? 0) < 0 && nameOf(i) === name) same++
  return same === 0 ? name : `${name}${same}`
}

let systemRows: ReadonlyMap<number, readonly Fields[]> | undefined

/** Attributes of built-in relations never change: made once. */
function systemAttributes(catalog: Catalog, relation: Relation): readonly Fields[] {
  const known = systemRows?.get(relation.oid)
  if (known !== undefined) return known
  const made = [...attributesOf(catalog, relation)]
  systemRows = new Map([...(systemRows ?? []), [relation.oid, made]])
  return made
}

const isSystem = (relation: Relation): boolean => relation.oid < 16384

export const pgAttribute: RelationSource = {
  rows: function* (catalog) {
    for (const relation of catalog.relations()) yield* attributesOf(catalog, relation)
  },
  lookups: {
    attrelid: (catalog, oid) => {
      const relation = catalog.relation(oid as number)
      if (relation === undefined) return []
      return isSystem(relation) ? systemAttributes(catalog, relation) : attributesOf(catalog, relation)
    },
  },
}

function* defaultsOf(relation: Table | View): Iterable<Fields> {
  for (const column of relation.columns) {
    if (column.default === undefined || column.isDropped) continue
    yield { oid: column.defaultOid, adrelid: relation.oid, adnum: column.number, adbin: column.default }
  }
}

export const pgAttrdef: RelationSource = {
  rows: function* (catalog) {
    for (const relation of catalog.relations()) {
      if (relation.kind === 'table' || relation.kind === 'view') yield* defaultsOf(relation)
    }
  },
  lookups: {
    adrelid: (catalog, oid) => {
      const relation = catalog.relation(oid as number)
      return relation?.kind === 'table' || relation?.kind === 'view' ? defaultsOf(relation) : []
    },
  },
}
