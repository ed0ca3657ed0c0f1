// information_schema.routines and parameters, from pg_proc.

import { ArrayValue, type Row, type Value } from '../../types/value.ts'
import type { Catalog } from '../catalog.ts'
import { staticRows } from '../static-rows.ts'
import { dataTypeName, typeNameFields } from './data-type.ts'
import type { Fields, RelationSource } from './rows.ts'

/** Positions in pg_proc. */
const NAME = 1
const SCHEMA = 2
const LANGUAGE = 4
const KIND = 9
const SECURITY_DEFINER = 10
const STRICT = 12
const RETURNS_SET = 13
const VOLATILITY = 14
const RESULT = 18
const ARGUMENT_TYPES = 19
const ALL_TYPES = 20
const MODES = 21
const NAMES = 22
const SOURCE = 25

const LANGUAGES: Readonly<Record<number, string>> = { 12: 'INTERNAL', 13: 'C', 14: 'SQL' }
const MODE_NAMES: Readonly<Record<string, string>> = { i: 'IN', o: 'OUT', b: 'INOUT', v: 'IN', t: 'OUT' }

const listOf = (value: Value | undefined): readonly Value[] =>
  value instanceof ArrayValue ? value.elements : []

const schemaName = (catalog: Catalog, row: Row): string =>
  catalog.schema(row[SCHEMA] as number)?.name ?? 'pg_catalog'
const specificName = (row: Row): string => `${String(row[NAME])}_${String(row[0])}`

function routineRow(catalog: Catalog, row: Row): Fields {
  const result = row[RESULT] as number
  const language = LANGUAGES[row[LANGUAGE] as number] ?? 'INTERNAL'
  return {
    specific_catalog: catalog.databaseName,
    specific_schema: schemaName(catalog, row),
    specific_name: specificName(row),
    routine_catalog: catalog.databaseName,
    routine_schema: schemaName(catalog, row),
    routine_name: row[NAME] ?? null,
    routine_type: row[KIND] === 'f' ? 'FUNCTION' : row[KIND] === 'p' ? 'PROCEDURE' : null,
    data_type: row[RETURNS_SET] === true && result === 2249 ? 'record' : dataTypeName(catalog, result),
    ...typeNameFields(catalog, result, 'type_udt'),
    dtd_identifier: '0',
    routine_body: language === 'SQL' ? 'SQL' : 'EXTERNAL',
    routine_definition: row[SOURCE] ?? null,
    external_name: language === 'C' ? (row[SOURCE] ?? null) : null,
    external_language: language,
    parameter_style: 'GENERAL',
    is_deterministic: row[VOLATILITY] === 'i' ? 'YES' : 'NO',
    sql_data_access: 'MODIFIES',
    is_null_call: row[STRICT] === true ? 'YES' : 'NO',
    schema_level_routine: 'YES',
    max_dynamic_result_sets: 0,
    security_type: row[SECURITY_DEFINER] === true ? 'DEFINER' : 'INVOKER',
    as_locator: 'NO',
    is_udt_dependent: 'NO',
  }
}

const routines: RelationSource = {
  rows: (catalog) => staticRows('pg_proc').map((row) => routineRow(catalog, row)),
}

function* parametersOf(catalog: Catalog, row: Row): Iterable<Fields> {
  const all = listOf(row[ALL_TYPES])
  const types = all.length > 0 ? all : listOf(row[ARGUMENT_TYPES])
  const modes = listOf(row[MODES])
  const names = listOf(row[NAMES])
  for (const [i, type] of types.entries()) {
    const mode = String(modes[i] ?? 'i')
    const name = String(names[i] ?? '')
    yield {
      specific_catalog: catalog.databaseName,
      specific_schema: schemaName(catalog, row),
      specific_name: specificName(row),
      ordinal_position: i + 1,
      parameter_mode: MODE_NAMES[mode] ?? 'IN',
      is_result: 'NO',
      as_locator: 'NO',
      parameter_name: name === '' ? null : name,
      data_type: dataTypeName(catalog, type as number),
      ...typeNameFields(catalog, type as number, 'udt'),
      dtd_identifier: String(i + 1),
    }
  }
}

const parameters: RelationSource = {
  rows: function* (catalog) {
    for (const row of staticRows('pg_proc')) yield* parametersOf(catalog, row)
  },
}

export const routineViews: Readonly<Record<string, RelationSource>> = { routines, parameters }
