// The built-in types: facts (type-facts.ts) joined with behaviours. Everything pg_type of a fresh PostgreSQL
// 15 names resolves here, arrays and pseudo-types included; types that we do not do yet refuse input with
// 0A000 and their name.

import { must } from '../../storage/base/assert.ts'
import { arrayBehaviour } from './array-type.ts'
import { builtinBehaviour } from './builtin-behaviours.ts'
import { defineType } from './define-type.ts'
import { recordBehaviour } from './record-type.ts'
import { int2vectorBehaviour, oidvectorBehaviour } from './reg-types.ts'
import type { Type } from './type.ts'
import { TYPE_FACTS, type TypeFacts } from './type-facts.ts'

const byOid = new Map<number, Type>()
const byName = new Map<string, Type>()

/** A type may be made of another: arrays of their elements, vectors of theirs. Those come after scalars. */
function makeType(facts: TypeFacts): Type {
  if (facts.ioPrefix === 'array_') {
    const kind = facts.kind === 'p' ? 'pseudo' : 'array'
    return defineType(facts, arrayBehaviour(elementOf(facts)), { kind })
  }
  if (facts.name === 'int2vector')
    return defineType(facts, int2vectorBehaviour(elementOf(facts)), { kind: 'array' })
  if (facts.name === 'oidvector')
    return defineType(facts, oidvectorBehaviour(elementOf(facts)), { kind: 'array' })
  if (facts.name === 'record') return defineType(facts, recordBehaviour(builtinType))
  return defineType(facts, builtinBehaviour(facts))
}

function elementOf(facts: TypeFacts): Type {
  return must(byOid.get(facts.elementOid), 'an element comes before its array')
}

function makingOrder(facts: TypeFacts): number {
  return facts.ioPrefix === 'array_' ? 2 : facts.name.endsWith('vector') ? 1 : 0
}

for (const facts of TYPE_FACTS.toSorted((a, b) => makingOrder(a) - makingOrder(b))) {
  const type = makeType(facts)
  byOid.set(type.oid, type)
  byName.set(type.name, type)
}
const all: readonly Type[] = [...byOid.values()].sort((a, b) => a.oid - b.oid)

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
