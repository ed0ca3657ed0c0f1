// Every area's definitions in one list, for the registry and for the generator of facts.

import type { Definition, Definitions } from './definition.ts'

import { extremeAggregates } from './aggregate-extreme.ts'
import { booleanFunctions } from './boolean.ts'
import { castFunctions } from './cast.ts'
import { comparisonFunctions } from './comparison.ts'
import { encodingFunctions } from './encoding.ts'
import { floatFunctions } from './float.ts'
import { integerFunctions } from './integer.ts'
import { textFunctions } from './text.ts'
import { textFormatFunctions } from './text-format.ts'

const areas: readonly Definitions[] = [
  extremeAggregates,
  booleanFunctions,
  castFunctions,
  comparisonFunctions,
  encodingFunctions,
  floatFunctions,
  integerFunctions,
  textFunctions,
  textFormatFunctions,
]

/** All definitions, with their signatures. */
export function allDefinitions(): [string, Definition][] {
  return areas.flatMap((area) => Object.entries(area))
}

/** The signatures of all definitions. */
export function definedSignatures(): string[] {
  return areas.flatMap((area) => Object.keys(area))
}
