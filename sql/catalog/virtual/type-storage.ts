// How values of a type lie in PostgreSQL's rows (typlen, typbyval, typalign, typstorage): shown, not used by us.

import type { Catalog } from '../catalog.ts'
import { staticRowByOid } from '../static-rows.ts'

export interface TypeStorage {
  readonly length: number
  readonly byValue: boolean
  readonly align: string
  readonly storage: string
}

/** Positions in pg_type. */
const TYPLEN = 4
const TYPBYVAL = 5
const TYPALIGN = 22
const TYPSTORAGE = 23

export function typeStorage(catalog: Catalog, oid: number): TypeStorage {
  const row = staticRowByOid('pg_type', oid)
  if (row !== undefined) {
    return {
      length: row[TYPLEN] as number,
      byValue: row[TYPBYVAL] as boolean,
      align: row[TYPALIGN] as string,
      storage: row[TYPSTORAGE] as string,
    }
  }
  const type = catalog.type(oid)
  switch (type?.kind) {
    case 'enum':
      return { length: 4, byValue: true, align: 'i', storage: 'p' }
    case 'domain':
      return typeStorage(catalog, type.baseOid)
    case 'array': {
      const element = typeStorage(catalog, type.elementOid)
      return { length: -1, byValue: false, align: element.align === 'd' ? 'd' : 'i', storage: 'x' }
    }
    default:
      return { length: -1, byValue: false, align: 'd', storage: 'x' }
  }
}
