// Small readings of parse trees that many DDL statements need: options (DefElem), names, roles.

import type { DefElem, Node, RoleSpec } from 'libpg-query'
import { nodeAs, stringsOf } from '../parse/ast.ts'
import { SqlError } from '../types/sql-error.ts'
import { type Int8, int8 } from '../types/value.ts'
import type { DdlWork } from './work.ts'

/** The DefElems of a list. */
export function optionsOf(nodes: readonly Node[] | undefined): DefElem[] {
  const options: DefElem[] = []
  for (const node of nodes ?? []) {
    const option = nodeAs(node, 'DefElem')
    if (option !== undefined) options.push(option)
  }
  return options
}

/** An option's value as text: identifiers, strings, numbers, type names; undefined without one. */
export function optionText(option: DefElem): string | undefined {
  const { arg } = option
  if (arg === undefined) return undefined
  const integer = nodeAs(arg, 'Integer')
  if (integer !== undefined) return String(integer.ival ?? 0)
  const boolean = nodeAs(arg, 'Boolean')
  if (boolean !== undefined) return boolean.boolval === true ? 'true' : 'false'
  const text = nodeAs(arg, 'String')?.sval ?? nodeAs(arg, 'Float')?.fval
  if (text !== undefined) return text
  const typeName = nodeAs(arg, 'TypeName')
  if (typeName !== undefined) return stringsOf(typeName.names).at(-1)
  const list = nodeAs(arg, 'List')
  if (list !== undefined) return stringsOf(list.items).join('.')
  return nodeAs(arg, 'A_Star') === undefined ? '' : '*'
}

/** defGetBoolean: no value means true. */
export function optionBoolean(option: DefElem): boolean {
  const text = optionText(option)
  if (text === undefined) return true
  const lower = text.toLowerCase()
  if (lower === 'true' || lower === 'on' || lower === '1') return true
  if (lower === 'false' || lower === 'off' || lower === '0') return false
  throw new SqlError('42601', `${option.defname} requires a Boolean value`)
}

/** defGetInt64. */
export function optionInt8(option: DefElem): Int8 {
  const text = optionText(option)
  if (text === undefined || !/^[+-]?\d+$/.test(text)) {
    throw new SqlError('42601', `${option.defname} requires a numeric value`)
  }
  const value = BigInt(text)
  if (value > 2n ** 63n - 1n || value < -(2n ** 63n)) {
    throw new SqlError('22003', `value "${text}" is out of range for type bigint`)
  }
  return int8(value)
}

/** The role a RoleSpec names: CURRENT_USER and SESSION_USER too; PUBLIC is 0. */
export function roleOidOf(work: DdlWork, spec: RoleSpec | undefined): number {
  switch (spec?.roletype) {
    case 'ROLESPEC_CURRENT_USER':
    case 'ROLESPEC_CURRENT_ROLE':
      return work.context.roleOid
    case 'ROLESPEC_SESSION_USER':
      return work.context.sessionRoleOid
    case 'ROLESPEC_PUBLIC':
      return 0
    default:
      return work.roleNamed(spec?.rolename ?? '').oid
  }
}

/** The names of a dotted name: a List of Strings, a TypeName, or a lone String. */
export function namesOf(node: Node | undefined): string[] {
  if (node === undefined) return []
  const list = nodeAs(node, 'List')
  if (list !== undefined) return stringsOf(list.items)
  const typeName = nodeAs(node, 'TypeName')
  if (typeName !== undefined) return stringsOf(typeName.names)
  return stringsOf([node])
}

/** Splits a qualified name into schema and name. */
export function splitName(names: readonly string[]): {
  readonly schema: string | undefined
  readonly name: string
} {
  if (names.length > 3)
    throw new SqlError('42601', `improper qualified name (too many dotted names): ${names.join('.')}`)
  return { schema: names.at(-2), name: names.at(-1) ?? '' }
}
