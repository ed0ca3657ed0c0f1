// Rows of the catalogs whose content is the same everywhere, from the fact files (format: generate-static.ts). Parsed when
// a relation is first asked for; values in their run-time representation.

import { must } from '../../storage/base/assert.ts'
import { builtinType } from '../types/registry.ts'
import type { Type } from '../types/type.ts'
import { ArrayValue, type Row, type Value } from '../types/value.ts'
import { OID_OID } from '../types/oids.ts'
import { PG_CATALOG_OID } from './bootstrap.ts'
import { borealisProcRows } from './borealis-procs.ts'
import type { Table } from './catalog.ts'
import { neutralContext } from './created-types.ts'
import * as operatorFacts from './facts/operator-facts.ts'
import * as otherFacts from './facts/other-facts.ts'
import * as procFacts from './facts/proc-facts.ts'
import { systemRelationByName } from './system-relations.ts'

export type StaticRelation = keyof typeof procFacts | keyof typeof operatorFacts | keyof typeof otherFacts

const TEXTS: Readonly<Record<StaticRelation, string>> = { ...procFacts, ...operatorFacts, ...otherFacts }

interface Loaded {
  readonly rows: readonly Row[]
  readonly byOid: ReadonlyMap<number, Row>
  readonly columns: readonly string[]
}

const loaded = new Map<StaticRelation, Loaded>()

/** All rows, in the columns of the relation. */
export function staticRows(relation: StaticRelation): readonly Row[] {
  return load(relation).rows
}

export function staticRowByOid(relation: StaticRelation, oid: number): Row | undefined {
  return load(relation).byOid.get(oid)
}

/** One text field of a row. */
export function staticName(relation: StaticRelation, oid: number, column: string): string | undefined {
  const { byOid, columns } = load(relation)
  const value = byOid.get(oid)?.[columns.indexOf(column)]
  return typeof value === 'string' ? value : undefined
}

/** The oid of the first row with this value. */
export function staticOid(relation: StaticRelation, column: string, value: string): number | undefined {
  const { rows, columns } = load(relation)
  const at = columns.indexOf(column)
  const oid = rows.find((row) => row[at] === value)?.[0]
  return typeof oid === 'number' ? oid : undefined
}

const counts = new Map<StaticRelation, ReadonlyMap<Value, number>>()

/** How many rows have this value. One column of each relation is asked for. */
export function staticCount(relation: StaticRelation, column: string, value: string): number {
  let known = counts.get(relation)
  if (known === undefined) {
    const { rows, columns } = load(relation)
    const at = columns.indexOf(column)
    const counted = new Map<Value, number>()
    for (const row of rows) counted.set(row[at] as Value, (counted.get(row[at] as Value) ?? 0) + 1)
    counts.set(relation, (known = counted))
  }
  return known.get(value) ?? 0
}

function load(relation: StaticRelation): Loaded {
  let known = loaded.get(relation)
  if (known === undefined) {
    known = parse(relation)
    loaded.set(relation, known)
  }
  return known
}

function parse(relation: StaticRelation): Loaded {
  const table = systemRelationByName(PG_CATALOG_OID, relation) as Table
  const [header = '', defaultLine = '', ...lines] = TEXTS[relation].split('\n')
  const columns = header.split('\t')
  const readers = table.columns.map(({ type }) => reader(must(builtinType(type))))
  const read = (field: string, i: number): Value =>
    field === '\\N' ? null : must(readers[i])(unescape(field))
  const defaults = defaultLine.split('\t').map((field, i) => read(field, i))
  const rows = lines.map((line): Row => {
    const row = [...defaults]
    const fields = line.split('\t')
    for (const [i, field] of fields.entries()) if (field !== '') row[i] = read(field, i)
    return row
  })
  if (relation === 'pg_proc') rows.push(...borealisProcRows((oids) => vectorOf(OID_OID, oids)))
  const byOid = new Map<number, Row>()
  if (columns[0] === 'oid') for (const row of rows) byOid.set(row[0] as number, row)
  return { rows, byOid, columns }
}

function unescape(field: string): string {
  if (field === '\\E') return ''
  return field.includes('\\')
    ? field.replaceAll(/\\([nt])/g, (_, letter: string) => (letter === 'n' ? '\n' : '\t'))
    : field
}

const context = neutralContext((oid) => must(builtinType(oid)))

/** How the text of one column becomes a value. */
function reader(type: Type): (text: string) => Value {
  const { name } = type
  if (name === 'bool') return (text) => text === 'true'
  if (name.startsWith('reg') || ['oid', 'int2', 'int4', 'float4', 'xid'].includes(name)) return Number
  if (name === 'oidvector' || name === 'int2vector') return (text) => vector(type.elementOid, text)
  if (['name', 'text', 'char', 'pg_node_tree'].includes(name)) return (text) => text
  if (type.name === '_aclitem') return (text) => new ArrayValue(type.elementOid, text.slice(1, -1).split(','))
  if (type.kind === 'array') return (text) => type.input(text, -1, context)
  return (text) => text
}

/** An oidvector or int2vector: subscripts begin at 0. */
export function vector(elementOid: number, text: string): ArrayValue {
  return vectorOf(elementOid, text === '' ? [] : text.split(' ').map(Number))
}

export function vectorOf(elementOid: number, elements: readonly number[]): ArrayValue {
  return new ArrayValue(elementOid, elements, [elements.length], [0])
}
