// Every area's definitions in one list, for the registry and for the generator of facts.

import type { Definition, Definitions } from './definition.ts'
import { extremeAggregates } from './aggregate-extreme.ts'
import { sumAggregates } from './aggregate-sum.ts'
import { booleanFunctions } from './boolean.ts'
import { castFunctions } from './cast.ts'
import { comparisonFunctions } from './comparison.ts'
import { decimalFunctions } from './decimal.ts'
import { encodingFunctions } from './encoding.ts'
import { floatFunctions } from './float.ts'
import { integerFunctions } from './integer.ts'
import { patternFunctions } from './pattern.ts'
import { regexpFunctions } from './regexp.ts'
import { textFormatFunctions } from './text-format.ts'
import { textFunctions } from './text.ts'

const areas: readonly Definitions[] = [
  extremeAggregates,
  sumAggregates,
  booleanFunctions,
  castFunctions,
  comparisonFunctions,
  decimalFunctions,
  encodingFunctions,
  floatFunctions,
  integerFunctions,
  patternFunctions,
  regexpFunctions,
  textFormatFunctions,
  textFunctions,
]

/** All definitions, with their signatures. */
export function allDefinitions(): [string, Definition][] {
  return areas.flatMap((area) => Object.entries(area))
}

/** The signatures of all definitions. */
export function definedSignatures(): string[] {
  return areas.flatMap((area) => Object.keys(area))
}
