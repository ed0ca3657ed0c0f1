// has_..._privilege and its relatives (documentation, section 9.26.3), over the session's PrivilegeServices.
//
//   has_table_privilege([role name | oid,] object name | oid, privileges)     role left out: the current user

import { type Definition, type Definitions, collect } from './definition.ts'
import type { PrivilegeKind } from './services.ts'
import { ACLITEM_OID } from '../types/oids.ts'
import { SqlError } from '../types/sql-error.ts'
import { ArrayValue, type Row } from '../types/value.ts'

type NameOrOid = string | number

const kinds: readonly PrivilegeKind[] = [
  'table',
  'sequence',
  'database',
  'schema',
  'function',
  'language',
  'type',
  'tablespace',
  'foreign_data_wrapper',
  'server',
  'any_column',
]

function* objectPrivileges(): Iterable<readonly [string, Definition]> {
  for (const kind of kinds) {
    const name = kind === 'any_column' ? 'has_any_column_privilege' : `has_${kind}_privilege`
    for (const object of ['text', 'oid']) {
      yield [
        `${name}(${object},text)`,
        {
          context: (context, of: NameOrOid, privileges: string) =>
            context.services.privileges.has(kind, of, privileges, undefined),
        },
      ]
      for (const role of ['name', 'oid']) {
        yield [
          `${name}(${role},${object},text)`,
          {
            context: (context, who: NameOrOid, of: NameOrOid, privileges: string) =>
              context.services.privileges.has(kind, of, privileges, who),
          },
        ]
      }
    }
  }
}

function* columnPrivileges(): Iterable<readonly [string, Definition]> {
  for (const table of ['text', 'oid']) {
    for (const column of ['text', 'int2']) {
      yield [
        `has_column_privilege(${table},${column},text)`,
        {
          context: (context, of: NameOrOid, at: NameOrOid, privileges: string) =>
            context.services.privileges.hasOnColumn(of, at, privileges, undefined),
        },
      ]
      for (const role of ['name', 'oid']) {
        yield [
          `has_column_privilege(${role},${table},${column},text)`,
          {
            context: (context, who: NameOrOid, ...[of, at, privileges]: [NameOrOid, NameOrOid, string]) =>
              context.services.privileges.hasOnColumn(of, at, privileges, who),
          },
        ]
      }
    }
  }
}

function* rolePrivileges(): Iterable<readonly [string, Definition]> {
  for (const role of ['name', 'oid']) {
    yield [
      `pg_has_role(${role},text)`,
      {
        context: (context, of: NameOrOid, privileges: string) =>
          context.services.privileges.hasRole(of, privileges, undefined),
      },
    ]
    for (const member of ['name', 'oid']) {
      yield [
        `pg_has_role(${member},${role},text)`,
        {
          context: (context, who: NameOrOid, of: NameOrOid, privileges: string) =>
            context.services.privileges.hasRole(of, privileges, who),
        },
      ]
    }
  }
}

function* parameterPrivileges(): Iterable<readonly [string, Definition]> {
  yield [
    'has_parameter_privilege(text,text)',
    {
      context: (context, parameter: string, privileges: string) =>
        context.services.privileges.has('parameter', parameter, privileges, undefined),
    },
  ]
  for (const role of ['name', 'oid']) {
    yield [
      `has_parameter_privilege(${role},text,text)`,
      {
        context: (context, who: NameOrOid, parameter: string, privileges: string) =>
          context.services.privileges.has('parameter', parameter, privileges, who),
      },
    ]
  }
}

/** Letters of aclitem with the names that aclexplode gives them. */
const privilegeNames: Readonly<Record<string, string>> = {
  r: 'SELECT',
  a: 'INSERT',
  w: 'UPDATE',
  d: 'DELETE',
  D: 'TRUNCATE',
  x: 'REFERENCES',
  t: 'TRIGGER',
  X: 'EXECUTE',
  U: 'USAGE',
  C: 'CREATE',
  T: 'TEMPORARY',
  c: 'CONNECT',
  s: 'SET',
  A: 'ALTER SYSTEM',
}

/** Bits of an aclitem from the lowest on: the order in which aclexplode gives them. */
const privilegeOrder = 'arwdDxtXUCTcsA'

/** One aclitem, grantee=privileges/grantor, as rows (grantor, grantee, privilege, is grantable). */
function explode(item: string, roleOid: (name: string) => number): Row[] {
  const match = /^((?:[^="]|"(?:[^"]|"")*")*)=([a-zA-Z*]*)\/(.*)$/s.exec(item)
  if (match === null) throw new SqlError('22P02', `invalid aclitem: "${item}"`)
  const [, grantee = '', privileges = '', grantor = ''] = match
  const unquote = (name: string): string =>
    name.startsWith('"') ? name.slice(1, -1).replaceAll('""', '"') : name
  const oidOf = (name: string): number => (name === '' ? 0 : roleOid(unquote(name)))
  const rows: Row[] = []
  for (const letter of privilegeOrder) {
    const at = privileges.indexOf(letter)
    if (at < 0) continue
    rows.push([
      oidOf(grantor),
      oidOf(grantee),
      privilegeNames[letter] ?? letter,
      privileges.charAt(at + 1) === '*',
    ])
  }
  return rows
}

export const privilegeFunctions: Definitions = {
  ...collect(objectPrivileges()),
  ...collect(columnPrivileges()),
  ...collect(rolePrivileges()),
  ...collect(parameterPrivileges()),
  'row_security_active(oid)': {
    context: (context, table: number) => context.services.privileges.isRowSecurityActive(table),
  },
  'row_security_active(text)': {
    context: (context, table: string) => context.services.privileges.isRowSecurityActive(table),
  },
  'acldefault(char,oid)': {
    context: (context, kind: string, owner: number) =>
      new ArrayValue(ACLITEM_OID, context.services.privileges.defaultAcl(kind, owner)),
  },
  'aclexplode(_aclitem)': {
    rows: (context, items: ArrayValue) => {
      const roleOid = (name: string): number => context.services.catalog.roleOid(name)
      return items.elements.flatMap((item) => explode(String(item), roleOid))
    },
  },
}
