// Functions and operators of POSIX regular expressions (documentation, section 9.7.3). The syntax is translated in
// regexp-syntax.ts; positions that users see are characters from 1, positions in here are UTF-16 units from 0.

import { characterIndex, unitIndex } from './characters.ts'
import { type Definition, type Definitions, collect } from './definition.ts'
import { PatternCache, similarToRegexp } from './pattern.ts'
import { type RegexpOptions, defaultOptions, parseFlags, translateRegexp } from './regexp-syntax.ts'
import { TEXT_OID } from '../types/oids.ts'
import { SqlError } from '../types/sql-error.ts'
import { ArrayValue, type Value } from '../types/value.ts'

const compiled = new PatternCache<RegExp>()

/** The RegExp of a pattern, global, its lastIndex 0. SqlError 2201B for a bad pattern. */
function compile(pattern: string, options: RegexpOptions): RegExp {
  const key = `${Object.values(options).map(Number).join('')}${pattern}`
  const regexp = compiled.get(key, () => {
    const { source, flags } = translateRegexp(pattern, options)
    try {
      return new RegExp(source, `${flags}dg`)
    } catch {
      throw new SqlError('2201B', 'invalid regular expression: invalid escape \\ sequence')
    }
  })
  regexp.lastIndex = 0
  return regexp
}

const caseless: RegexpOptions = { ...defaultOptions, ignoreCase: true }

/** text ~ pattern. */
export function regexpTest(text: string, pattern: string): boolean {
  return compile(pattern, defaultOptions).test(text)
}

function regexpTestCaseless(text: string, pattern: string): boolean {
  return compile(pattern, caseless).test(text)
}

/**
 * The matches from a unit index on. `skipDegenerate`, for splitting: no empty match at the end of the text or directly
 * behind another match.
 */
function* matchesOf(
  regexp: RegExp,
  text: string,
  options: { readonly start?: number; readonly skipDegenerate?: boolean } = {},
): Iterable<RegExpExecArray> {
  let from = options.start ?? 0
  let previousEnd = 0
  while (from <= text.length) {
    regexp.lastIndex = from
    const match = regexp.exec(text)
    if (match === null) return
    const end = match.index + match[0].length
    if (options.skipDegenerate !== true || (match.index < text.length && end > previousEnd)) yield match
    previousEnd = end
    from = end > match.index ? end : end + ((text.codePointAt(end) ?? 0) > 0xffff ? 2 : 1)
  }
}

const textArray = (texts: readonly (string | null)[]): ArrayValue => new ArrayValue(TEXT_OID, texts)

/** What regexp_match gives: the groups, or the whole match when the pattern has none. */
function groupsOf(match: RegExpExecArray): ArrayValue {
  const groups: readonly (string | undefined)[] = match.length === 1 ? match : match.slice(1)
  return textArray(groups.map((group) => group ?? null))
}

function regexpMatch(text: string, pattern: string, flags = ''): Value {
  const { options, isGlobal } = parseFlags(flags, true)
  if (isGlobal) {
    throw new SqlError('22023', 'regexp_match() does not support the "global" option', {
      hint: 'Use the regexp_matches function instead.',
    })
  }
  const match = compile(pattern, options).exec(text)
  return match === null ? null : groupsOf(match)
}

function regexpMatches(text: string, pattern: string, flags = ''): Value[] {
  const { options, isGlobal } = parseFlags(flags, true)
  const results: Value[] = []
  for (const match of matchesOf(compile(pattern, options), text)) {
    results.push(groupsOf(match))
    if (!isGlobal) break
  }
  return results
}

function withoutGlobal(name: string, flags: string): RegexpOptions {
  const { options, isGlobal } = parseFlags(flags, true)
  if (isGlobal) throw new SqlError('22023', `${name}() does not support the "global" option`)
  return options
}

/** The pieces between matches. */
function split(text: string, pattern: string, options: RegexpOptions): string[] {
  const pieces: string[] = []
  let from = 0
  for (const match of matchesOf(compile(pattern, options), text, { skipDegenerate: true })) {
    pieces.push(text.slice(from, match.index))
    from = match.index + match[0].length
  }
  pieces.push(text.slice(from))
  return pieces
}

function splitToArray(text: string, pattern: string, flags = ''): ArrayValue {
  return textArray(split(text, pattern, withoutGlobal('regexp_split_to_array', flags)))
}

/** \1 to \9, \& for the whole match, \\ for a backslash; any other backslash stands for itself. */
function expandReplacement(replacement: string, match: RegExpExecArray): string {
  if (!replacement.includes('\\')) return replacement
  return replacement.replace(/\\([1-9&\\])/g, (_whole, what: string) => {
    if (what === '\\') return '\\'
    return (what === '&' ? match[0] : match[Number(what)]) ?? ''
  })
}

interface Replacement {
  readonly options: RegexpOptions
  /** 1-based character position. */
  readonly start: number
  /** Which match, from 1; 0: all. */
  readonly which: number
}

function replaceMatches(text: string, pattern: string, replacement: string, how: Replacement): string {
  let result = ''
  let from = 0
  let count = 0
  const start = startIndex(text, how.start)
  for (const match of matchesOf(compile(pattern, how.options), text, { start })) {
    count++
    if (how.which !== 0 && count < how.which) continue
    result += text.slice(from, match.index) + expandReplacement(replacement, match)
    from = match.index + match[0].length
    if (count === how.which) break
  }
  return result + text.slice(from)
}

function regexpReplace(text: string, pattern: string, replacement: string, flags = ''): string {
  if (/^[0-9]/.test(flags)) {
    throw new SqlError('22023', `invalid regular expression option: "${flags.charAt(0)}"`, {
      hint: 'If you meant to use regexp_replace() with a start parameter, cast the fourth argument to integer explicitly.',
    })
  }
  const { options, isGlobal } = parseFlags(flags, true)
  return replaceMatches(text, pattern, replacement, { options, start: 1, which: isGlobal ? 0 : 1 })
}

function checkParameter(name: string, value: number, low: number): void {
  if (value < low) throw new SqlError('22023', `invalid value for parameter "${name}": ${value}`)
}

/** regexp_replace with a start, and which match: without `which` the first one, or all with the flag g. */
function regexpReplaceFrom(
  text: string,
  pattern: string,
  replacement: string,
  ...[start, which, flags = '']: [number, (number | undefined)?, string?]
): string {
  checkParameter('start', start, 1)
  if (which !== undefined) checkParameter('n', which, 0)
  const { options, isGlobal } = parseFlags(flags, true)
  return replaceMatches(text, pattern, replacement, { options, start, which: which ?? (isGlobal ? 0 : 1) })
}

function regexpCount(text: string, pattern: string, start = 1, flags = ''): number {
  checkParameter('start', start, 1)
  const options = withoutGlobal('regexp_count', flags)
  let count = 0
  for (const _match of matchesOf(compile(pattern, options), text, { start: startIndex(text, start) })) count++
  return count
}

/** The `which`th match from a character position on. */
function nthMatch(regexp: RegExp, text: string, start: number, which: number): RegExpExecArray | undefined {
  let count = 0
  for (const match of matchesOf(regexp, text, { start: startIndex(text, start) })) {
    if (++count === which) return match
  }
  return undefined
}

/** The UTF-16 index of a 1-based character position; behind the text when the position is. */
function startIndex(text: string, start: number): number {
  return start > text.length + 1 ? start : unitIndex(text, start - 1)
}

function regexpInstr(
  text: string,
  pattern: string,
  ...[start = 1, which = 1, endOption = 0, flags = '', group = 0]: [
    number?,
    number?,
    number?,
    string?,
    number?,
  ]
): number {
  checkParameter('start', start, 1)
  checkParameter('n', which, 1)
  if (endOption !== 0 && endOption !== 1) {
    throw new SqlError('22023', `invalid value for parameter "endoption": ${endOption}`)
  }
  const options = withoutGlobal('regexp_instr', flags)
  checkParameter('subexpr', group, 0)
  const bounds = nthMatch(compile(pattern, options), text, start, which)?.indices?.[group]
  return bounds === undefined ? 0 : characterIndex(text, bounds[endOption]) + 1
}

function regexpSubstr(
  text: string,
  pattern: string,
  ...[start = 1, which = 1, flags = '', group = 0]: [number?, number?, string?, number?]
): Value {
  checkParameter('start', start, 1)
  checkParameter('n', which, 1)
  checkParameter('subexpr', group, 0)
  const options = withoutGlobal('regexp_substr', flags)
  return nthMatch(compile(pattern, options), text, start, which)?.[group] ?? null
}

/** SUBSTRING(text FROM pattern): the first group, or the whole match. */
function substringMatching(text: string, pattern: string): Value {
  const match = compile(pattern, defaultOptions).exec(text)
  if (match === null) return null
  return (match.length > 1 ? match[1] : match[0]) ?? null
}

const tests: Definitions = collect(
  ['text', 'name', 'bpchar'].flatMap((type): [string, Definition][] => [
    [`${type}regexeq(${type},text)`, { call: regexpTest }],
    [`${type}regexne(${type},text)`, { call: (text: string, pattern: string) => !regexpTest(text, pattern) }],
    [`${type}icregexeq(${type},text)`, { call: regexpTestCaseless }],
    [
      `${type}icregexne(${type},text)`,
      { call: (text: string, pattern: string) => !regexpTestCaseless(text, pattern) },
    ],
  ]),
)

/** Signatures that differ in how many trailing arguments they name share one function. */
function variants(
  name: string,
  types: readonly string[],
  call: (...args: never[]) => Value,
): [string, Definition][] {
  return types.map((list) => [`${name}(${list})`, { call }])
}

export const regexpFunctions: Definitions = {
  ...tests,
  ...collect([
    ...variants('regexp_match', ['text,text', 'text,text,text'], regexpMatch),
    ...variants('regexp_split_to_array', ['text,text', 'text,text,text'], splitToArray),
    ...variants('regexp_replace', ['text,text,text', 'text,text,text,text'], regexpReplace),
    ...variants(
      'regexp_replace',
      ['text,text,text,int4', 'text,text,text,int4,int4', 'text,text,text,int4,int4,text'],
      regexpReplaceFrom,
    ),
    ...variants('regexp_count', ['text,text', 'text,text,int4', 'text,text,int4,text'], regexpCount),
    ...variants(
      'regexp_instr',
      ['', ',int4', ',int4,int4', ',int4,int4,int4', ',int4,int4,int4,text', ',int4,int4,int4,text,int4'].map(
        (rest) => `text,text${rest}`,
      ),
      regexpInstr,
    ),
    ...variants(
      'regexp_substr',
      ['', ',int4', ',int4,int4', ',int4,int4,text', ',int4,int4,text,int4'].map(
        (rest) => `text,text${rest}`,
      ),
      regexpSubstr,
    ),
  ]),
  'regexp_like(text,text)': { call: regexpTest },
  'regexp_like(text,text,text)': {
    call: (text: string, pattern: string, flags: string) =>
      compile(pattern, withoutGlobal('regexp_like', flags)).test(text),
  },
  'substring(text,text)': { call: substringMatching },
  'substring(text,text,text)': {
    call: (text: string, pattern: string, escape: string) =>
      substringMatching(text, similarToRegexp(pattern, escape)),
  },
  'regexp_matches(text,text)': {
    rows: (_context, text: string, pattern: string) => regexpMatches(text, pattern),
  },
  'regexp_matches(text,text,text)': {
    rows: (_context, text: string, pattern: string, flags: string) => regexpMatches(text, pattern, flags),
  },
  'regexp_split_to_table(text,text)': {
    rows: (_context, text: string, pattern: string) => split(text, pattern, defaultOptions),
  },
  'regexp_split_to_table(text,text,text)': {
    rows: (_context, text: string, pattern: string, flags: string) =>
      split(text, pattern, withoutGlobal('regexp_split_to_table', flags)),
  },
}
