// Operator classes by access method and type, from pg_opclass.

import { must } from '../../storage/base/assert.ts'
import type { Catalog, IndexColumn } from './catalog.ts'
import { staticRows } from './static-rows.ts'

const METHOD_OIDS: Readonly<Record<string, number>> = {
  btree: 403,
  hash: 405,
  gist: 783,
  gin: 2742,
  spgist: 4000,
  brin: 3580,
}

/** Positions in pg_opclass. */
const OID = 0
const METHOD = 1
const NAME = 2
const INPUT_TYPE = 6
const IS_DEFAULT = 7

const ANYARRAY_OID = 2277
const ANYENUM_OID = 3500
const RECORD_OID = 2249
const ANYRANGE_OID = 3831
const TEXT_OID = 25
const VARCHAR_OID = 1043

/** The type whose class serves the type: binary-coercible or polymorphic ones stand for theirs. */
function classTypes(catalog: Catalog, oid: number): number[] {
  const type = catalog.type(oid)
  if (type === undefined) return [oid]
  if (type.kind === 'domain') return classTypes(catalog, type.baseOid)
  if (type.kind === 'array') return [oid, ANYARRAY_OID]
  if (type.kind === 'enum') return [ANYENUM_OID]
  if (type.kind === 'composite') return [RECORD_OID]
  if (type.kind === 'range') return [oid, ANYRANGE_OID]
  return oid === VARCHAR_OID ? [oid, TEXT_OID] : [oid]
}

/** Oid of the class an index column uses: the one it names, else its type's default; 0 when there is none. */
export function defaultOperatorClass(catalog: Catalog, method: string, column: IndexColumn): number {
  const methodOid = METHOD_OIDS[method] ?? 0
  const rows = staticRows('pg_opclass').filter((row) => row[METHOD] === methodOid)
  if (column.operatorClass !== undefined) {
    const named = rows.find((row) => row[NAME] === column.operatorClass)
    if (named !== undefined) return must(named[OID]) as number
  }
  for (const type of classTypes(catalog, column.type)) {
    const found = rows.find((row) => row[INPUT_TYPE] === type && row[IS_DEFAULT] === true)
    if (found !== undefined) return found[OID] as number
  }
  return 0
}

/** Whether the class is the default one for its type and method. */
export function isDefaultClassName(catalog: Catalog, method: string, column: IndexColumn): boolean {
  if (column.operatorClass === undefined) return true
  const own = defaultOperatorClass(catalog, method, { ...column, operatorClass: undefined })
  return own !== 0 && own === defaultOperatorClass(catalog, method, column)
}
