// The built-in types: facts (type-facts.ts) joined with behaviours. Everything pg_type of a fresh PostgreSQL 15 names
// resolves here, arrays and pseudo-types included; types that we do not do yet refuse input with 0A000 and their name.

import { arrayBehaviour } from './array-type.ts'
import { BUILTIN_BEHAVIOURS, unsupportedBehaviour } from './builtin-behaviours.ts'
import { defineType } from './define-type.ts'
import type { Type } from './type.ts'
import { TYPE_FACTS, type TypeFacts } from './type-facts.ts'

const byOid = new Map<number, Type>()
const byName = new Map<string, Type>()

// Scalars first: an array's behaviour is made from its element's Type.
for (const facts of TYPE_FACTS) {
  if (facts.ioPrefix !== 'array_') register(defineType(facts, BUILTIN_BEHAVIOURS.get(facts.name) ?? unsupportedBehaviour(facts)))
}
for (const facts of TYPE_FACTS) {
  if (facts.ioPrefix === 'array_') register(defineArray(facts))
}
const all: readonly Type[] = [...byOid.values()].sort((a, b) => a.oid - b.oid)

function register(type: Type): void {
  byOid.set(type.oid, type)
  byName.set(type.name, type)
}

function defineArray(facts: TypeFacts): Type {
  const element = byOid.get(facts.elementOid)
  if (element === undefined) throw new Error(`array ${facts.name} without element`)
  return defineType(facts, arrayBehaviour(element), { kind: facts.kind === 'p' ? 'pseudo' : 'array' })
}

/** The built-in type with this oid. */
export function builtinType(oid: number): Type | undefined {
  return byOid.get(oid)
}

/** The built-in type with this internal name (pg_type.typname: 'int4', '_int4'). */
export function builtinTypeByName(name: string): Type | undefined {
  return byName.get(name)
}

/** All of them, by ascending oid. */
export function builtinTypes(): readonly Type[] {
  return all
}
