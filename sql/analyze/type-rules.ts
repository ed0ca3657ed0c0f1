// Facts about types that the rules of conversion (documentation, chapter 10) ask for: categories, preferred types,
// domains' base types, polymorphic families.

import {
  ANYARRAY_OID,
  ANYCOMPATIBLEARRAY_OID,
  ANYCOMPATIBLEMULTIRANGE_OID,
  ANYCOMPATIBLENONARRAY_OID,
  ANYCOMPATIBLERANGE_OID,
  ANYCOMPATIBLE_OID,
  ANYELEMENT_OID,
  ANYENUM_OID,
  ANYMULTIRANGE_OID,
  ANYNONARRAY_OID,
  ANYRANGE_OID,
  ANY_OID,
  RECORD_OID,
  UNKNOWN_OID,
  RECORD_ARRAY_OID,
} from '../types/oids.ts'
import type { Type } from '../types/type.ts'
import type { Analysis } from './analysis.ts'

const FIRST_FAMILY: ReadonlySet<number> = new Set([
  ANYELEMENT_OID,
  ANYARRAY_OID,
  ANYNONARRAY_OID,
  ANYENUM_OID,
  ANYRANGE_OID,
  ANYMULTIRANGE_OID,
])

const COMPATIBLE_FAMILY: ReadonlySet<number> = new Set([
  ANYCOMPATIBLE_OID,
  ANYCOMPATIBLEARRAY_OID,
  ANYCOMPATIBLENONARRAY_OID,
  ANYCOMPATIBLERANGE_OID,
  ANYCOMPATIBLEMULTIRANGE_OID,
])

/** anyelement and its family, anycompatible and its own: a function of them takes many types. */
export function isPolymorphic(oid: number): boolean {
  return FIRST_FAMILY.has(oid) || COMPATIBLE_FAMILY.has(oid)
}

/** The anycompatible family: arguments need not be of one type, but have a common one. */
export function isCompatibleFamily(oid: number): boolean {
  return COMPATIBLE_FAMILY.has(oid)
}

/** Category letter; X for unknown (pg_type.typcategory). */
export function categoryOf(analysis: Analysis, oid: number): string {
  return oid === UNKNOWN_OID ? 'X' : oid === ANY_OID ? 'P' : analysis.type(oid).category
}

/** Whether the type is the preferred one of this category ('' or X: of none). */
export function isPreferredIn(analysis: Analysis, category: string, oid: number): boolean {
  const type = analysis.type(oid)
  return category === '\0' || category === 'X' ? false : type.category === category && type.isPreferred
}

/** A domain's base type, all the way down; other types are their own. */
export function baseTypeOf(analysis: Analysis, oid: number): number {
  return baseTypeAndTypmod(analysis, oid, -1).oid
}

/** A domain's base type with the modifier its innermost domain gave it. */
export function baseTypeAndTypmod(
  analysis: Analysis,
  oid: number,
  typmod: number,
): { oid: number; typmod: number } {
  let base = { oid, typmod }
  for (;;) {
    const type = analysis.type(base.oid)
    if (type.kind !== 'domain') return base
    const domain = analysis.catalog.typeEntry(base.oid)?.domain
    base = { oid: type.baseOid, typmod: domain?.typmod ?? -1 }
  }
}

/** The element type of a true array (its domains included), else 0. */
export function elementTypeOf(analysis: Analysis, oid: number): number {
  const type = analysis.type(baseTypeOf(analysis, oid))
  return isTrueArray(type) ? type.elementOid : 0
}

/** int2vector and its kin are subscripted, but no arrays. */
export function isTrueArray(type: Type): boolean {
  const isArray = type.kind === 'array' || type.oid === RECORD_ARRAY_OID
  return isArray && type.length === -1 && type.elementOid !== 0
}

/** The array type over a type, 0 if there is none. */
export function arrayTypeOf(analysis: Analysis, oid: number): number {
  return analysis.type(oid).arrayOid
}

/** Whether values of the type are rows: a composite type, a domain over one, or record. */
export function isRowType(analysis: Analysis, oid: number): boolean {
  return oid === RECORD_OID || isNamedRowType(analysis, oid)
}

/** A composite type of the catalog, or a domain over one. */
export function isNamedRowType(analysis: Analysis, oid: number): boolean {
  return analysis.type(baseTypeOf(analysis, oid)).kind === 'composite'
}
