// The short way of a simple query: its text without literals is a key into the plan cache, its literals are parameters.
//
//   text ──lift──▶ key, values ──cache──▶ plan ──▶ run, no parse
//                                 └─ miss ─▶ parse the key's text, analyse with the literals' kinds, plan, keep
//
// What cannot be lifted, or fails on the way (see sql/parse/lift.ts), takes the long way with its own text, which
// succeeds or raises the error with its right position.

import { NotLiftable } from '../analyze/analysis.ts'
import { liftedKinds, liftedText, liftLiterals } from '../parse/lift.ts'
import { parseSql } from '../parse/parse.ts'
import { SqlError } from '../types/sql-error.ts'
import type { Row, Value } from '../types/value.ts'
import { CACHED_TEXT_LENGTH_MAX, type CachedStatement } from './plan-cache.ts'
import { cachedStatement, isPlanned, isValid } from './planning.ts'
import type { PortalStatement } from './portal.ts'
import type { SessionCore } from './session-core.ts'
import { PlannedStatement } from './planned-statement.ts'

/** Keys that turned out not to be liftable: they are not tried again. */
const refused = new Set<string>()
const REFUSED_COUNT_MAX = 10_000

export interface LiftedPortal {
  readonly statement: PortalStatement
  readonly parameters: Row
}

/** undefined: take the long way. */
export function liftedStatement(core: SessionCore, text: string): LiftedPortal | undefined {
  if (text.length > CACHED_TEXT_LENGTH_MAX) return undefined
  const lifted = liftLiterals(text)
  if (lifted === undefined) return undefined
  const { key } = lifted
  const known = core.plans.get(key)
  const entry = known !== undefined && isValid(core, known) ? known : planLifted(core, key)
  if (entry?.plan === undefined) return undefined
  const parameters = literalValues(core, lifted.values, entry.plan.parameterTypes)
  if (parameters === undefined) return undefined
  const replan = (): CachedStatement => {
    const again = planLifted(core, key)
    // The catalog changed while locks were waited for, in a way that the statement does not survive.
    if (again === undefined)
      throw new SqlError('40001', 'could not serialize access due to concurrent update')
    return again
  }
  return { statement: new PlannedStatement(core, entry, parameters, replan), parameters }
}

/** Plans the key's text; undefined when that cannot be done without the literals: the long way decides. */
function planLifted(core: SessionCore, key: string): CachedStatement | undefined {
  if (refused.has(key) || core.transaction.currentEdit !== undefined) return undefined
  try {
    const [parsed, second] = parseSql(liftedText(key))
    if (parsed === undefined || second !== undefined || !isPlanned(parsed)) return refuse(key)
    const entry = cachedStatement(core, parsed, { key, parameterTypes: [], liftedKinds: liftedKinds(key) })
    return core.plans.get(key) === entry ? entry : refuse(key)
  } catch (error) {
    if (error instanceof NotLiftable) return refuse(key)
    if (error instanceof SqlError) return undefined
    throw error
  }
}

function refuse(key: string): undefined {
  if (refused.size >= REFUSED_COUNT_MAX) refused.clear()
  refused.add(key)
  return undefined
}

/** The literals as values of the plan's parameter types; undefined when one does not convert: the long way reports it. */
function literalValues(
  core: SessionCore,
  literals: readonly Value[],
  types: readonly number[],
): Row | undefined {
  const { context } = core
  const values = new Array<Value>(literals.length)
  for (let i = 0; i < literals.length; i++) {
    const literal = literals[i] as Value
    if (typeof literal !== 'string') {
      values[i] = literal
      continue
    }
    try {
      values[i] = context.lookup.type(types[i] as number).input(literal, -1, context)
    } catch (error) {
      if (error instanceof SqlError) return undefined
      throw error
    }
  }
  return values
}
