// Which behaviour each built-in type has, by pg_type.typname. Types missing here exist by name and oid only.

import { bitBehaviour, varbitBehaviour } from './bit-types.ts'
import { boolBehaviour } from './bool-type.ts'
import { byteaBehaviour } from './bytea-type.ts'
import {
  dateBehaviour,
  timeBehaviour,
  timestampBehaviour,
  timestamptzBehaviour,
  timetzBehaviour,
} from './datetime-types.ts'
import type { Behaviour } from './define-type.ts'
import { float4Behaviour, float8Behaviour } from './float-types.ts'
import {
  int2Behaviour,
  int4Behaviour,
  int8Behaviour,
  oidBehaviour,
  xid8Behaviour,
  xidBehaviour,
} from './integer-types.ts'
import { intervalBehaviour } from './interval-type.ts'
import { jsonBehaviour, jsonbBehaviour } from './json-types.ts'
import { moneyBehaviour } from './money-type.ts'
import { cidrBehaviour, inetBehaviour, macaddr8Behaviour, macaddrBehaviour } from './network-types.ts'
import { numericBehaviour } from './numeric-type.ts'
import { pseudoBehaviour, voidBehaviour } from './pseudo-types.ts'
import { lsnBehaviour, regBehaviour, tidBehaviour } from './reg-types.ts'
import { unsupported } from './sql-error.ts'
import {
  bpcharBehaviour,
  charBehaviour,
  nameBehaviour,
  plainStringBehaviour,
  textBehaviour,
  varcharBehaviour,
} from './text-types.ts'
import type { TypeFacts } from './type-facts.ts'
import { uuidBehaviour } from './uuid-type.ts'
import type { Value } from './value.ts'

type AnyBehaviour = Behaviour<NonNullable<Value>>

const REG_TYPES = [
  'regproc',
  'regprocedure',
  'regoper',
  'regoperator',
  'regclass',
  'regtype',
  'regconfig',
  'regdictionary',
  'regnamespace',
  'regrole',
  'regcollation',
]

// A Behaviour of some V stands for one of any value: a Type is only called with values of its own type.
const entries: readonly (readonly [string, unknown])[] = [
  ['bool', boolBehaviour],
  ['char', charBehaviour],
  ['name', nameBehaviour],
  ['int2', int2Behaviour],
  ['int4', int4Behaviour],
  ['int8', int8Behaviour],
  ['oid', oidBehaviour],
  ['xid', xidBehaviour],
  ['cid', xidBehaviour],
  ['xid8', xid8Behaviour],
  ['tid', tidBehaviour],
  ['pg_lsn', lsnBehaviour],
  ['text', textBehaviour],
  ['varchar', varcharBehaviour],
  ['bpchar', bpcharBehaviour],
  ['float4', float4Behaviour],
  ['float8', float8Behaviour],
  ['numeric', numericBehaviour],
  ['money', moneyBehaviour],
  ['bytea', byteaBehaviour],
  ['uuid', uuidBehaviour],
  ['date', dateBehaviour],
  ['time', timeBehaviour],
  ['timetz', timetzBehaviour],
  ['timestamp', timestampBehaviour],
  ['timestamptz', timestamptzBehaviour],
  ['interval', intervalBehaviour],
  ['json', jsonBehaviour],
  ['jsonb', jsonbBehaviour],
  ['bit', bitBehaviour],
  ['varbit', varbitBehaviour],
  ['inet', inetBehaviour],
  ['cidr', cidrBehaviour],
  ['macaddr', macaddrBehaviour],
  ['macaddr8', macaddr8Behaviour],
  ['void', voidBehaviour],
  ['unknown', plainStringBehaviour],
  ['cstring', plainStringBehaviour],
  ['refcursor', plainStringBehaviour],
  // Catalog columns have these types; their text is made by whoever makes the row.
  ['pg_node_tree', plainStringBehaviour],
  ['aclitem', plainStringBehaviour],
  ...REG_TYPES.map((name) => [name, regBehaviour(name)] as const),
]

const behaviours = new Map(entries as readonly (readonly [string, AnyBehaviour])[])

/** The behaviour of a scalar built-in type. */
export function builtinBehaviour(facts: TypeFacts): AnyBehaviour {
  const known = behaviours.get(facts.name)
  if (known !== undefined) return known
  if (facts.kind === 'p') return pseudoBehaviour(facts.name) as unknown as AnyBehaviour
  const refuse = (): never => {
    throw unsupported(`type ${facts.name}`)
  }
  return { input: refuse, output: refuse, receive: refuse, send: refuse }
}
