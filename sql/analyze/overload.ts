// Which of several functions or operators of one name a call means (documentation, sections 10.2 and 10.3).
//
//   all of the name ─▶ those the arguments convert to implicitly ─▶ most exact matches ─▶ most exact or preferred
//     ─▶ unknown literals: one category for each position, its preferred type ─▶ unknowns as the one known type

import { must } from '../../storage/base/assert.ts'
import { UNKNOWN_OID } from '../types/oids.ts'
import type { Analysis } from './analysis.ts'
import { canCoerceAll } from './coerce.ts'
import { baseTypeOf, categoryOf, isPreferredIn } from './type-rules.ts'

/** Something that can be called, with the types it would take its arguments as. */
export interface Candidate {
  readonly types: readonly number[]
}

/** The candidates that can be called with these types at all. */
export function matchingCandidates<C extends Candidate>(
  analysis: Analysis,
  candidates: readonly C[],
  types: readonly number[],
): C[] {
  return candidates.filter((candidate) => canCoerceAll(analysis, types, candidate.types, 'implicit'))
}

/** Keeps those with the highest score. */
function best<C extends Candidate>(candidates: readonly C[], score: (candidate: C) => number): readonly C[] {
  let highest = -1
  let kept: C[] = []
  for (const candidate of candidates) {
    const points = score(candidate)
    if (points > highest) {
      highest = points
      kept = [candidate]
    } else if (points === highest) {
      kept.push(candidate)
    }
  }
  return kept
}

/** The one candidate that suits best, or undefined when several do equally. All given ones match. */
export function selectCandidate<C extends Candidate>(
  analysis: Analysis,
  candidates: readonly C[],
  types: readonly number[],
): C | undefined {
  if (candidates.length <= 1) return candidates[0]
  const inputs = types.map((type) => (type === UNKNOWN_OID ? type : baseTypeOf(analysis, type)))
  const count = (candidate: C, matches: (type: number, input: number) => boolean): number =>
    inputs.reduce((sum, input, i) => {
      return sum + (input !== UNKNOWN_OID && matches(must(candidate.types[i]), input) ? 1 : 0)
    }, 0)

  let kept = best(candidates, (candidate) => count(candidate, (type, input) => type === input))
  if (kept.length === 1) return kept[0]
  const preferred = (type: number, input: number): boolean =>
    type === input || isPreferredIn(analysis, categoryOf(analysis, input), type)
  kept = best(kept, (candidate) => count(candidate, preferred))
  if (kept.length === 1) return kept[0]
  if (!inputs.includes(UNKNOWN_OID)) return undefined
  kept = byUnknownCategories(analysis, kept, inputs)
  return kept.length === 1 ? kept[0] : byOneKnownType(analysis, kept, inputs)
}

interface Slot {
  category: string
  hasPreferred: boolean
}

function byUnknownCategories<C extends Candidate>(
  analysis: Analysis,
  candidates: readonly C[],
  inputs: readonly number[],
): readonly C[] {
  const slots: (Slot | undefined)[] = []
  for (let i = 0; i < inputs.length; i++) {
    if (inputs[i] !== UNKNOWN_OID) continue
    const slot = unknownSlot(analysis, candidates, i)
    if (slot === undefined) return candidates
    slots[i] = slot
  }
  const kept = candidates.filter((candidate) =>
    candidate.types.every((oid, i) => {
      const slot = slots[i]
      if (slot === undefined) return true
      const type = analysis.type(oid)
      return type.category === slot.category && (!slot.hasPreferred || type.isPreferred)
    }),
  )
  return kept.length > 0 ? kept : candidates
}

/** The category of the argument at a position: the one they all have, or string; undefined if they differ. */
function unknownSlot(analysis: Analysis, candidates: readonly Candidate[], index: number): Slot | undefined {
  let slot: Slot | undefined
  let hasConflict = false
  for (const candidate of candidates) {
    const { category, isPreferred } = analysis.type(must(candidate.types[index]))
    if (slot === undefined) slot = { category, hasPreferred: isPreferred }
    else if (slot.category === category) slot.hasPreferred ||= isPreferred
    else if (category === 'S') slot = { category, hasPreferred: isPreferred }
    else hasConflict = true
  }
  return hasConflict && slot?.category !== 'S' ? undefined : slot
}

function byOneKnownType<C extends Candidate>(
  analysis: Analysis,
  candidates: readonly C[],
  inputs: readonly number[],
): C | undefined {
  const known = new Set(inputs.filter((input) => input !== UNKNOWN_OID))
  const [type] = known
  if (known.size !== 1 || type === undefined) return undefined
  const matches = matchingCandidates(
    analysis,
    candidates,
    inputs.map(() => type),
  )
  return matches.length === 1 ? matches[0] : undefined
}
