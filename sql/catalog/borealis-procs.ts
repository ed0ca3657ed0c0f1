// Rows of pg_proc for the functions of schema borealis and Aurora's, from their own descriptions.

import { borealisFunctions } from '../functions/borealis.ts'
import type { SqlFunction } from '../functions/function.ts'
import { AURORA_FUNCTIONS } from '../functions/volume-functions.ts'
import { CHAR_OID, OID_OID, TEXT_OID } from '../types/oids.ts'
import { ArrayValue, type Row, type Value } from '../types/value.ts'
import { BOREALIS_SCHEMA_OID, PG_CATALOG_OID, POSTGRES_ROLE_OID } from './bootstrap.ts'

const INTERNAL_LANGUAGE_OID = 12
const VOLATILITY = { immutable: 'i', stable: 's', volatile: 'v' } as const

/** `vector`: makes an oidvector. */
export function borealisProcRows(vector: (oids: readonly number[]) => Value): Row[] {
  return [
    ...borealisFunctions().map((fn) => procRow(fn, BOREALIS_SCHEMA_OID, vector)),
    ...AURORA_FUNCTIONS.map((fn) => procRow(fn, PG_CATALOG_OID, vector)),
  ]
}

function procRow(fn: SqlFunction, schemaOid: number, vector: (oids: readonly number[]) => Value): Row {
  const isSet = fn.kind === 'set'
  const outs = isSet ? fn.columns : []
  const modes = fn.argumentTypes.map((_, i) =>
    fn.variadicType !== 0 && i === fn.argumentTypes.length - 1 ? 'v' : 'i',
  )
  const hasModes = outs.length > 0 || fn.variadicType !== 0
  const names = [...fn.argumentNames, ...outs.map(({ name }) => name)]
  const all = [...fn.argumentTypes, ...outs.map(({ type }) => type)]
  const volatility = fn.kind === 'set' || fn.kind === 'scalar' ? fn.volatility : 'stable'
  return [
    fn.oid,
    fn.name,
    schemaOid,
    POSTGRES_ROLE_OID,
    INTERNAL_LANGUAGE_OID,
    1, // procost
    isSet ? 1000 : 0, // prorows
    fn.variadicType,
    0, // prosupport
    'f', // prokind
    false, // prosecdef
    false, // proleakproof
    fn.kind === 'set' || fn.kind === 'scalar' ? fn.strict : false,
    isSet,
    VOLATILITY[volatility],
    'u', // proparallel
    fn.argumentTypes.length,
    fn.defaults.length,
    fn.returnType,
    vector(fn.argumentTypes),
    hasModes ? new ArrayValue(OID_OID, all) : null,
    hasModes ? new ArrayValue(CHAR_OID, [...modes, ...outs.map(() => 't')]) : null,
    names.length === 0 ? null : new ArrayValue(TEXT_OID, names),
    fn.defaults.length === 0 ? null : fn.defaults.join(', '),
    null, // protrftypes
    `borealis_${fn.name}`,
    null, // probin
    null, // prosqlbody
    null, // proconfig
    null, // proacl
  ]
}
