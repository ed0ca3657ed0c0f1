// The words of date/time input (documentation, tables 8.13 and B.1 to B.3).

export type WordMeaning =
  | { readonly kind: 'moment'; readonly value: Moment }
  | { readonly kind: 'month'; readonly value: number }
  | { readonly kind: 'weekday'; readonly value: number }
  | { readonly kind: 'meridian'; readonly value: 'am' | 'pm' }
  | { readonly kind: 'era'; readonly value: 'ad' | 'bc' }
  | { readonly kind: 'unit'; readonly value: Label }
  | { readonly kind: 'iso-time' }
  | { readonly kind: 'dst' }
  | { readonly kind: 'noise' }

export type Moment =
  | 'now'
  | 'today'
  | 'tomorrow'
  | 'yesterday'
  | 'epoch'
  | 'infinity'
  | '-infinity'
  | 'allballs'

/** What a label says of the number behind it: 'y2024', 'j2451187', 't040506'. */
export type Label = 'year' | 'month' | 'day' | 'hour' | 'minute' | 'second' | 'julian' | 'time' | 'other'

const words = new Map<string, WordMeaning>()

function define(meaning: WordMeaning, ...names: string[]): void {
  for (const name of names) words.set(name, meaning)
}

const MONTHS: readonly (readonly string[])[] = [
  ['jan', 'january'],
  ['feb', 'february'],
  ['mar', 'march'],
  ['apr', 'april'],
  ['may'],
  ['jun', 'june'],
  ['jul', 'july'],
  ['aug', 'august'],
  ['sep', 'sept', 'september'],
  ['oct', 'october'],
  ['nov', 'november'],
  ['dec', 'december'],
]
const WEEKDAYS: readonly (readonly string[])[] = [
  ['sun', 'sunday'],
  ['mon', 'monday'],
  ['tue', 'tues', 'tuesday'],
  ['wed', 'weds', 'wednesday'],
  ['thu', 'thur', 'thurs', 'thursday'],
  ['fri', 'friday'],
  ['sat', 'saturday'],
]
MONTHS.forEach((names, i) => define({ kind: 'month', value: i + 1 }, ...names))
WEEKDAYS.forEach((names, i) => define({ kind: 'weekday', value: i }, ...names))
for (const value of [
  'now',
  'today',
  'tomorrow',
  'yesterday',
  'epoch',
  'infinity',
  '-infinity',
  'allballs',
] as const) {
  define({ kind: 'moment', value }, value)
}
define({ kind: 'meridian', value: 'am' }, 'am')
define({ kind: 'meridian', value: 'pm' }, 'pm')
define({ kind: 'era', value: 'ad' }, 'ad')
define({ kind: 'era', value: 'bc' }, 'bc')
define({ kind: 'unit', value: 'year' }, 'y')
define({ kind: 'unit', value: 'month' }, 'm')
define({ kind: 'unit', value: 'day' }, 'd')
define({ kind: 'unit', value: 'hour' }, 'h')
define({ kind: 'unit', value: 'minute' }, 'mm')
define({ kind: 'unit', value: 'second' }, 's')
define({ kind: 'unit', value: 'julian' }, 'j', 'jd', 'julian')
define({ kind: 'unit', value: 'other' }, 'dow', 'doy', 'isodow', 'isoyear')
define({ kind: 'iso-time' }, 't')
define({ kind: 'dst' }, 'dst')
define({ kind: 'noise' }, 'at', 'on')

/** PostgreSQL compares this many characters of a word. */
const WORD_LENGTH_MAX = 10

/** What a lower-case word means; undefined for anything unknown (zone abbreviations are elsewhere). */
export function dateTimeWord(word: string): WordMeaning | undefined {
  return words.get(word.length > WORD_LENGTH_MAX ? word.slice(0, WORD_LENGTH_MAX) : word)
}

export function isDateTimeWord(word: string): boolean {
  return words.has(word)
}

export const MONTH_NAMES: readonly string[] = MONTHS.map((names) => capitalise(names.at(-1) as string))
export const WEEKDAY_NAMES: readonly string[] = WEEKDAYS.map((names) => capitalise(names.at(-1) as string))

function capitalise(word: string): string {
  return (word[0] as string).toUpperCase() + word.slice(1)
}
