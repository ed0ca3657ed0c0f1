// The template of to_char and to_number for numbers (documentation, section 9.8, tables 9.30 and 9.31),
// checked and counted before it is used.

import { parsePattern, type PatternNode, patternFamily } from './format-pattern.ts'
import { SqlError } from './sql-error.ts'

const KEYWORDS = [
  ...[
    ',',
    '.',
    '0',
    '9',
    'B',
    'C',
    'D',
    'EEEE',
    'FM',
    'G',
    'L',
    'MI',
    'PL',
    'PR',
    'RN',
    'SG',
    'SP',
    'S',
    'TH',
    'V',
  ],
  ...['b', 'c', 'd', 'eeee', 'fm', 'g', 'l', 'mi', 'pl', 'pr', 'rn', 'sg', 'sp', 's', 'th', 'v'],
]
const FAMILY = patternFamily(KEYWORDS, false)

/** What a template says as a whole. Mutable: formatting a number adapts a copy. */
export interface NumericPattern {
  readonly nodes: readonly PatternNode[]
  /** Digit places before and after the point. */
  pre: number
  post: number
  /** Digit places behind V. */
  multi: number
  /** Where S stands: before the number, behind it, or nowhere. */
  lockedSign: 'before' | 'behind' | undefined
  /** Digit places in front of S. */
  preBeforeSign: number
  hasDecimal: boolean
  isFill: boolean
  hasZero: boolean
  /** First and last place of 0, from 1. */
  zeroStart: number
  zeroEnd: number
  isBlank: boolean
  hasSign: boolean
  hasBracket: boolean
  hasMinus: boolean
  hasPlus: boolean
  isRoman: boolean
  isMulti: boolean
  isScientific: boolean
}

function syntax(message: string, detail?: string): SqlError {
  return new SqlError('42601', message, { detail })
}

/** Reads and checks a template; 42601 for combinations that make no sense. */
export function readNumericPattern(text: string): NumericPattern {
  const nodes = parsePattern(text, FAMILY)
  const pattern: NumericPattern = {
    nodes,
    pre: 0,
    post: 0,
    multi: 0,
    lockedSign: undefined,
    preBeforeSign: 0,
    hasDecimal: false,
    isFill: false,
    hasZero: false,
    zeroStart: 0,
    zeroEnd: 0,
    isBlank: false,
    hasSign: false,
    hasBracket: false,
    hasMinus: false,
    hasPlus: false,
    isRoman: false,
    isMulti: false,
    isScientific: false,
  }
  for (const node of nodes) {
    if (node.kind === 'action') count(pattern, node.keyword.toUpperCase())
  }
  return pattern
}

function count(pattern: NumericPattern, keyword: string): void {
  if (pattern.isScientific && keyword !== 'EEEE') throw syntax('"EEEE" must be the last pattern used')
  switch (keyword) {
    case '9':
      if (pattern.hasBracket) throw syntax('"9" must be ahead of "PR"')
      if (pattern.isMulti) pattern.multi++
      else if (pattern.hasDecimal) pattern.post++
      else pattern.pre++
      return
    case '0':
      return countZero(pattern)
    case 'B':
      if (pattern.pre === 0 && pattern.post === 0 && !pattern.hasZero) pattern.isBlank = true
      return
    case 'D':
    case '.':
      if (pattern.hasDecimal) throw syntax('multiple decimal points')
      if (pattern.isMulti) throw syntax('cannot use "V" and decimal point together')
      pattern.hasDecimal = true
      return
    case 'FM':
      pattern.isFill = true
      return
    case 'RN':
      pattern.isRoman = true
      return
    case 'V':
      if (pattern.hasDecimal) throw syntax('cannot use "V" and decimal point together')
      pattern.isMulti = true
      return
    case 'EEEE':
      return countScientific(pattern)
    default:
      countSign(pattern, keyword)
  }
}

function countZero(pattern: NumericPattern): void {
  if (pattern.hasBracket) throw syntax('"0" must be ahead of "PR"')
  if (!pattern.hasZero && !pattern.hasDecimal) {
    pattern.hasZero = true
    pattern.zeroStart = pattern.pre + 1
  }
  if (pattern.hasDecimal) pattern.post++
  else pattern.pre++
  pattern.zeroEnd = pattern.pre + pattern.post
}

function countScientific(pattern: NumericPattern): void {
  if (pattern.isScientific) throw syntax('cannot use "EEEE" twice')
  const { isBlank, isFill, hasSign, hasBracket, hasMinus, hasPlus, isRoman, isMulti } = pattern
  if (isBlank || isFill || hasSign || hasBracket || hasMinus || hasPlus || isRoman || isMulti) {
    throw syntax(
      '"EEEE" is incompatible with other formats',
      '"EEEE" may only be used together with digit and decimal point patterns.',
    )
  }
  pattern.isScientific = true
}

function countSign(pattern: NumericPattern, keyword: string): void {
  const { hasSign, hasBracket, hasMinus, hasPlus, hasDecimal } = pattern
  switch (keyword) {
    case 'S':
      if (hasSign) throw syntax('cannot use "S" twice')
      if (hasPlus || hasMinus || hasBracket) throw syntax('cannot use "S" and "PL"/"MI"/"SG"/"PR" together')
      pattern.hasSign = true
      pattern.lockedSign = hasDecimal ? 'behind' : 'before'
      if (!hasDecimal) pattern.preBeforeSign = pattern.pre
      return
    case 'MI':
      if (hasSign) throw syntax('cannot use "S" and "MI" together')
      pattern.hasMinus = true
      return
    case 'PL':
      if (hasSign) throw syntax('cannot use "S" and "PL" together')
      pattern.hasPlus = true
      return
    case 'SG':
      if (hasSign) throw syntax('cannot use "S" and "SG" together')
      pattern.hasMinus = true
      pattern.hasPlus = true
      return
    case 'PR':
      if (hasSign || hasPlus || hasMinus) throw syntax('cannot use "PR" and "S"/"PL"/"MI"/"SG" together')
      pattern.hasBracket = true
      return
    default:
  }
}
