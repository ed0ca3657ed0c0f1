// Which behaviour each built-in type has, by pg_type.typname. Types missing here exist by name and oid only.

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
import { int2Behaviour, int4Behaviour, int8Behaviour, oidBehaviour, xid8Behaviour, xidBehaviour } from './integer-types.ts'
import { intervalBehaviour } from './interval-type.ts'
import { numericBehaviour } from './numeric-type.ts'
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
  ['text', textBehaviour],
  ['varchar', varcharBehaviour],
  ['bpchar', bpcharBehaviour],
  ['float4', float4Behaviour],
  ['float8', float8Behaviour],
  ['numeric', numericBehaviour],
  ['bytea', byteaBehaviour],
  ['uuid', uuidBehaviour],
  ['date', dateBehaviour],
  ['time', timeBehaviour],
  ['timetz', timetzBehaviour],
  ['timestamp', timestampBehaviour],
  ['timestamptz', timestamptzBehaviour],
  ['interval', intervalBehaviour],
  ['unknown', plainStringBehaviour],
  ['cstring', plainStringBehaviour],
  ['refcursor', plainStringBehaviour],
]

export const BUILTIN_BEHAVIOURS: ReadonlyMap<string, AnyBehaviour> = new Map(
  entries as readonly (readonly [string, AnyBehaviour])[],
)

/** For types that are known by name only: 0A000 at first use of a value. */
export function unsupportedBehaviour({ name }: TypeFacts): AnyBehaviour {
  const refuse = (): never => {
    throw unsupported(`type ${name}`)
  }
  return { input: refuse, output: refuse, receive: refuse, send: refuse }
}
