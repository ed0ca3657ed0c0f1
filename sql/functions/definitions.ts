// Every area's definitions in one list, for the registry and for the generator of facts.

import type { Definition, Definitions } from './definition.ts'

import { booleanFunctions } from './boolean.ts'
import { comparisonFunctions } from './comparison.ts'
import { floatFunctions } from './float.ts'
import { integerFunctions } from './integer.ts'

const areas: readonly Definitions[] = [booleanFunctions, comparisonFunctions, floatFunctions, integerFunctions]

/** All definitions, with their signatures. */
export function allDefinitions(): [string, Definition][] {
  return areas.flatMap((area) => Object.entries(area))
}

/** The signatures of all definitions. */
export function definedSignatures(): string[] {
  return areas.flatMap((area) => Object.keys(area))
}
