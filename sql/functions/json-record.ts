// JSON into records: json(b)_populate_record(set) and json(b)_to_record(set) (documentation, section 9.16, table 9.47).
//
//   {"a": 1, "b": [1, 2]}  +  columns (a int, b text[])  ──▶  a record: each member converted to its column's type
//
// Scalars go through the type's text input; arrays and composites are followed inside; json columns keep their text.

import { type Definition, type Definitions, collect } from './definition.ts'
import type { FunctionContext } from './function.ts'
import { decodeString, elementsOf, kindOf, membersOf } from './json-text.ts'
import type { ColumnDescription } from './services.ts'
import { JSONB_OID, JSON_OID, RECORD_OID } from '../types/oids.ts'
import { SqlError, unsupported } from '../types/sql-error.ts'
import { ArrayValue, RecordValue, type Row, type Value } from '../types/value.ts'

/** A JSON value as a value of the type. */
function convert(context: FunctionContext, json: string, column: ColumnDescription): Value {
  const kind = kindOf(json)
  const { type: oid, typmod } = column
  const type = context.lookup.type(oid)
  if (type.kind === 'domain') return domainOf(context, json, column)
  if (kind === 'null') return null
  if (oid === JSON_OID || oid === JSONB_OID) return type.input(json, -1, context)
  if (type.kind === 'array' && kind !== 'string') return arrayOf(context, json, column)
  if (type.kind === 'composite' && kind === 'object') return recordOf(context, json, oid, null)
  const value = type.input(kind === 'string' ? decodeString(json.trim()) : json, typmod, context)
  return value === null || typmod < 0 ? value : type.applyTypmod(value, typmod, true)
}

/** Arrays and rows are made of their parts; the rest is read by the domain itself. Both are checked. */
function domainOf(context: FunctionContext, json: string, column: ColumnDescription): Value {
  const kind = kindOf(json)
  const domain = context.lookup.type(column.type)
  let base = domain
  while (base.kind === 'domain') base = context.lookup.type(base.baseOid)
  const hasParts =
    (base.kind === 'array' && kind !== 'string') || (base.kind === 'composite' && kind === 'object')
  if (hasParts || kind === 'null') {
    const value = convert(context, json, { ...column, type: base.oid, typmod: -1 })
    context.lookup.checkDomain(domain.oid, value)
    return value
  }
  const isJson = base.oid === JSON_OID || base.oid === JSONB_OID
  return domain.input(kind === 'string' && !isJson ? decodeString(json.trim()) : json, -1, context)
}

function malformedArray(column: ColumnDescription): SqlError {
  return new SqlError('22P02', 'expected JSON array', { hint: `See the value of key "${column.name}".` })
}

/** Nested JSON arrays as one array; all parts of a level must have one length. */
function arrayOf(context: FunctionContext, json: string, column: ColumnDescription): ArrayValue {
  if (kindOf(json) !== 'array') throw malformedArray(column)
  const { elementOid } = context.lookup.type(column.type)
  const element: ColumnDescription = { ...column, type: elementOid }
  const isNestable = context.lookup.type(elementOid).kind !== 'composite'
  const dimensions: number[] = []
  const values: Value[] = []
  const visit = (text: string, depth: number): void => {
    const parts = [...elementsOf(text)]
    dimensions[depth] ??= parts.length
    if (dimensions[depth] !== parts.length) {
      throw new SqlError('22P02', 'malformed JSON array', {
        detail: 'Multidimensional arrays must have sub-arrays with matching dimensions.',
      })
    }
    for (const part of parts) {
      if (isNestable && kindOf(part) === 'array' && elementOid !== JSON_OID && elementOid !== JSONB_OID)
        visit(part, depth + 1)
      else values.push(convert(context, part, element))
    }
  }
  visit(json, 0)
  return new ArrayValue(elementOid, values, values.length === 0 ? [] : dimensions)
}

/** The members' values by column; those that are missing come from `base`, or are null. */
function fieldsOf(
  context: FunctionContext,
  json: string,
  columns: readonly ColumnDescription[],
  base: RecordValue | null,
): Row {
  const members = new Map(membersOf(json))
  return columns.map((column, i) => {
    const member = members.get(column.name)
    if (member === undefined && base !== null) return base.fields[i] ?? null
    return convert(context, member ?? 'null', column)
  })
}

function describe(columns: readonly ColumnDescription[]): { names: string[]; types: number[] } {
  return { names: columns.map(({ name }) => name), types: columns.map(({ type }) => type) }
}

/** A composite type's columns; those of an anonymous record are its base's. */
function columnsOf(
  context: FunctionContext,
  typeOid: number,
  base: RecordValue | null,
): readonly ColumnDescription[] {
  const type = context.lookup.type(typeOid)
  if (type.kind === 'domain') throw unsupported(`JSON as a value of domain ${type.name}`)
  if (typeOid !== RECORD_OID) return context.services.catalog.compositeFields(typeOid)
  if (base === null) {
    throw new SqlError('0A000', 'could not determine row type for result of json_populate_record', {
      hint: 'Provide a non-null record argument, or call the function in the FROM clause using a column definition list.',
    })
  }
  return base.fieldNames.map((name, i) => ({ name, type: base.fieldTypes[i] ?? 0, typmod: -1 }))
}

function recordOf(
  context: FunctionContext,
  json: string,
  typeOid: number,
  base: RecordValue | null,
): RecordValue {
  const columns = columnsOf(context, typeOid, base)
  return new RecordValue(typeOid, fieldsOf(context, json, columns, base), describe(columns))
}

function expectRowType(context: FunctionContext, typeOid: number, name: string): void {
  let type = context.lookup.type(typeOid)
  while (type.kind === 'domain') type = context.lookup.type(type.baseOid)
  if (type.kind === 'composite' || type.oid === RECORD_OID) return
  throw new SqlError('42804', `first argument of ${name} must be a row type`)
}

function expectObject(json: string, name: string): void {
  const kind = kindOf(json)
  if (kind !== 'object') {
    throw new SqlError('22023', `cannot call ${name} on ${kind === 'array' ? 'an array' : 'a scalar'}`)
  }
}

/** A base row must have the columns of the definition list. */
function expectShape(base: RecordValue | null, given: readonly ColumnDescription[]): void {
  if (base === null) return
  const refuse = (detail: string): SqlError =>
    new SqlError('42804', 'function return row and query-specified return row do not match', { detail })
  const { length } = base.fieldTypes
  if (length !== given.length)
    throw refuse(
      `Returned row contains ${length} attribute${length === 1 ? '' : 's'}, but query expects ${given.length}.`,
    )
  if (given.some((column, i) => column.type !== base.fieldTypes[i]))
    throw refuse('The types of its columns differ.')
}

function* objectsOf(json: string, name: string): Iterable<string> {
  const kind = kindOf(json)
  if (kind !== 'array')
    throw new SqlError('22023', `cannot call ${name} on ${kind === 'object' ? 'an object' : 'a scalar'}`)
  for (const element of elementsOf(json)) {
    if (kindOf(element) !== 'object')
      throw new SqlError('22023', `argument of ${name} must be an array of objects`)
    yield element
  }
}

/** The columns of FROM ... AS t(...), which json_to_record cannot do without. */
function requireColumns(name: string, columns: readonly ColumnDescription[]): void {
  if (columns.length === 0) {
    throw new SqlError('0A000', `could not determine row type for result of ${name}`, {
      hint: 'Provide a non-null record argument, or call the function in the FROM clause using a column definition list.',
    })
  }
}

function* recordFunctions(): Iterable<readonly [string, Definition]> {
  for (const type of ['json', 'jsonb']) {
    const flag = type === 'json' ? ',bool' : ''
    const populate = `${type}_populate_record`
    yield [
      `${populate}(anyelement,${type}${flag})`,
      {
        specialise:
          ([typeOid = RECORD_OID]) =>
          (context, base: RecordValue | null, json: string | null) => {
            expectRowType(context, typeOid, populate)
            if (json === null) return base
            expectObject(json, populate)
            return recordOf(context, json, typeOid, base)
          },
      },
    ]
    const populateSet = `${type}_populate_recordset`
    yield [
      `${populateSet}(anyelement,${type}${flag})`,
      {
        specialiseRows: ([typeOid = RECORD_OID], _result, given) =>
          function* rows(context, base: RecordValue | null, json: string | null): Iterable<Value | Row> {
            expectRowType(context, typeOid, populateSet)
            if (json === null) return
            for (const object of objectsOf(json, populateSet)) {
              if (given.length > 0) {
                expectShape(base, given)
                yield fieldsOf(context, object, given, base)
              } else yield recordOf(context, object, typeOid, base)
            }
          },
      },
    ]
    const toRecord = `${type}_to_record`
    yield [
      `${toRecord}(${type})`,
      {
        specialiseRows: (_types, _result, columns) =>
          function* rows(context, json: string): Iterable<Row> {
            requireColumns(toRecord, columns)
            expectObject(json, toRecord)
            yield fieldsOf(context, json, columns, null)
          },
      },
    ]
    const toRecordSet = `${type}_to_recordset`
    yield [
      `${toRecordSet}(${type})`,
      {
        specialiseRows: (_types, _result, columns) =>
          function* rows(context, json: string): Iterable<Row> {
            requireColumns(toRecordSet, columns)
            for (const object of objectsOf(json, toRecordSet)) yield fieldsOf(context, object, columns, null)
          },
      },
    ]
  }
}

export const jsonRecordFunctions: Definitions = collect(recordFunctions())
