// Every area's definitions in one list, for the registry and for the generator of facts.

import type { Definition, Definitions } from './definition.ts'
import { collectAggregates } from './aggregate-collect.ts'
import { extremeAggregates } from './aggregate-extreme.ts'
import { statisticsAggregates } from './aggregate-statistics.ts'
import { sumAggregates } from './aggregate-sum.ts'
import { arrayFunctions } from './array.ts'
import { bitFunctions } from './bit.ts'
import { booleanFunctions } from './boolean.ts'
import { castFunctions } from './cast.ts'
import { catalogFunctions } from './catalog.ts'
import { comparisonSupportFunctions } from './comparison-support.ts'
import { comparisonFunctions } from './comparison.ts'
import { dateTimeMakeFunctions } from './datetime-make.ts'
import { datePartFunctions } from './datetime-part.ts'
import { timeZoneFunctions } from './datetime-zone.ts'
import { dateTimeFunctions } from './datetime.ts'
import { decimalMathFunctions } from './decimal-math.ts'
import { decimalFunctions } from './decimal.ts'
import { encodingFunctions } from './encoding.ts'
import { floatFunctions } from './float.ts'
import { formatFunctions } from './format.ts'
import { hashFunctions } from './hash.ts'
import { identifierFunctions } from './identifier.ts'
import { integerFunctions } from './integer.ts'
import { intervalFunctions } from './interval.ts'
import { jsonBuildFunctions } from './json-build.ts'
import { jsonRecordFunctions } from './json-record.ts'
import { jsonFunctions } from './json.ts'
import { jsonbFunctions } from './jsonb.ts'
import { mathFunctions } from './math.ts'
import { moneyFunctions } from './money.ts'
import { networkFunctions } from './network.ts'
import { patternFunctions } from './pattern.ts'
import { privilegeFunctions } from './privilege.ts'
import { regexpFunctions } from './regexp.ts'
import { seriesFunctions } from './series.ts'
import { systemFunctions } from './system.ts'
import { textFormatFunctions } from './text-format.ts'
import { textFunctions } from './text.ts'
import { walFunctions } from './wal.ts'
import { windowFunctions } from './window.ts'

const areas: readonly Definitions[] = [
  collectAggregates,
  extremeAggregates,
  statisticsAggregates,
  sumAggregates,
  arrayFunctions,
  bitFunctions,
  booleanFunctions,
  castFunctions,
  catalogFunctions,
  comparisonSupportFunctions,
  comparisonFunctions,
  dateTimeMakeFunctions,
  datePartFunctions,
  timeZoneFunctions,
  dateTimeFunctions,
  decimalMathFunctions,
  decimalFunctions,
  encodingFunctions,
  floatFunctions,
  formatFunctions,
  hashFunctions,
  identifierFunctions,
  integerFunctions,
  intervalFunctions,
  jsonBuildFunctions,
  jsonRecordFunctions,
  jsonFunctions,
  jsonbFunctions,
  mathFunctions,
  moneyFunctions,
  networkFunctions,
  patternFunctions,
  privilegeFunctions,
  regexpFunctions,
  seriesFunctions,
  systemFunctions,
  textFormatFunctions,
  textFunctions,
  walFunctions,
  windowFunctions,
]

/** All definitions, with their signatures. */
export function allDefinitions(): [string, Definition][] {
  return areas.flatMap((area) => Object.entries(area))
}

/** The signatures of all definitions. */
export function definedSignatures(): string[] {
  return areas.flatMap((area) => Object.keys(area))
}
