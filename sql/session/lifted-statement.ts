// The short way of a simple query: its text without literals is a key into the plan cache, its literals are parameters.
//
//   text ──lift──▶ key, literals ──cache──▶ plan ──▶ run, no parse
//                                  └─ miss ─▶ parse the key text, analyse with the literals' kinds, plan, keep
//
// What cannot be lifted (see sql/parse/lift.ts) takes the long way and is no slower for it.

import { NotLiftable } from '../analyze/analysis.ts'
import { lift, type Lifted } from '../parse/lift.ts'
import { parseSql } from '../parse/parse.ts'
import { SqlError } from '../types/sql-error.ts'
import type { Row } from '../types/value.ts'
import type { CachedStatement } from './plan-cache.ts'
import { CACHED_TEXT_LENGTH_MAX } from './plan-cache.ts'
import { cachedStatement, isPlanned, isValid } from './planning.ts'
import type { PortalStatement } from './portal.ts'
import type { SessionCore } from './session-core.ts'
import { PlannedStatement } from './statement-runner.ts'

/** Key texts that turned out not to be liftable: they are not tried again. */
const refused = new Set<string>()
const REFUSED_COUNT_MAX = 10_000

export interface LiftedStatement {
  readonly statement: PortalStatement
  readonly parameters: Row
}

/** undefined: take the long way. */
export function liftedStatement(core: SessionCore, text: string): LiftedStatement | undefined {
  if (text.length > CACHED_TEXT_LENGTH_MAX) return undefined
  const lifted = lift(text)
  if (lifted === undefined) return undefined
  const known = core.plans.get(lifted.key)
  const entry = known !== undefined && isValid(core, known) ? known : planLifted(core, lifted)
  if (entry?.plan === undefined) return undefined
  const parameters = literalValues(core, lifted, entry.plan.parameterTypes)
  if (parameters === undefined) return undefined
  return {
    statement: new PlannedStatement(core, entry, parameters, () => {
      const again = planLifted(core, lifted)
      if (again === undefined) throw new SqlError('0A000', 'cached plan must not change result type')
      return again
    }),
    parameters,
  }
}

/** Plans the key text; undefined when that cannot be done without the literals, errors included: the long way decides. */
function planLifted(core: SessionCore, lifted: Lifted): CachedStatement | undefined {
  if (refused.has(lifted.key)) return undefined
  try {
    const statements = parseSql(lifted.text)
    const [parsed] = statements
    if (parsed === undefined || statements.length > 1 || !isPlanned(parsed)) return refuse(lifted)
    return cachedStatement(core, parsed, { key: lifted.key, parameterTypes: [], liftedKinds: lifted.kinds })
  } catch (error) {
    if (error instanceof NotLiftable) return refuse(lifted)
    if (error instanceof SqlError) return undefined
    throw error
  }
}

function refuse(lifted: Lifted): undefined {
  if (refused.size >= REFUSED_COUNT_MAX) refused.clear()
  refused.add(lifted.key)
  return undefined
}

/** The literals as values of the plan's parameter types; undefined when one does not convert: the long way reports it. */
function literalValues(core: SessionCore, lifted: Lifted, types: readonly number[]): Row | undefined {
  const { context } = core
  try {
    return lifted.literals.map((literal, i) => {
      const oid = types[i] as number
      if (typeof literal === 'number') return literal
      return context.lookup.type(oid).input(literal, -1, context)
    })
  } catch (error) {
    if (error instanceof SqlError) return undefined
    throw error
  }
}
