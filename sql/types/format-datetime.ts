// to_char of timestamps and intervals (documentation, section 9.8, tables 9.27 and 9.28).

import {
  dateFromDay,
  dayFromIsoWeek,
  dayOfWeek,
  dayOfYear,
  EPOCH_JULIAN_DAY,
  isoWeek,
  MICROS_PER_SECOND,
  SECONDS_PER_DAY,
  timestampDay,
  timestampTime,
} from './calendar.ts'
import { MONTH_NAMES, WEEKDAY_NAMES } from './datetime-words.ts'
import { zoneOf } from './datetime-text.ts'
import {
  ordinalSuffix,
  type PatternAction,
  type PatternFamily,
  parsePattern,
  patternFamily,
  romanNumeral,
} from './format-pattern.ts'
import { type Interval, intervalTime } from './interval.ts'
import { SqlError } from './sql-error.ts'
import type { TypeContext } from './type.ts'
import type { Int8 } from './value.ts'

const UPPER_KEYWORDS = [
  ...[
    'A.D.',
    'A.M.',
    'AD',
    'AM',
    'B.C.',
    'BC',
    'CC',
    'DAY',
    'DDD',
    'DD',
    'DY',
    'D',
    'FF1',
    'FF2',
    'FF3',
    'FF4',
  ],
  ...[
    'FF5',
    'FF6',
    'FX',
    'HH24',
    'HH12',
    'HH',
    'IDDD',
    'ID',
    'IW',
    'IYYY',
    'IYY',
    'IY',
    'I',
    'J',
    'MI',
    'MM',
  ],
  ...[
    'MONTH',
    'MON',
    'MS',
    'OF',
    'P.M.',
    'PM',
    'Q',
    'RM',
    'SSSSS',
    'SSSS',
    'SS',
    'TZH',
    'TZM',
    'TZ',
    'US',
    'WW',
  ],
  ...['W', 'Y,YYY', 'YYYY', 'YYY', 'YY', 'Y'],
]

/** The keywords of date/time templates. */
export const DATE_TIME_FAMILY: PatternFamily = patternFamily(
  [...UPPER_KEYWORDS, ...UPPER_KEYWORDS.map((keyword) => keyword.toLowerCase()), 'Day', 'Dy', 'Month', 'Mon'],
  true,
)

/** What a template can show. Years of timestamps are astronomical. */
interface Shown {
  readonly isInterval: boolean
  readonly year: number
  readonly month: number
  readonly day: number
  readonly hour: number
  readonly minute: number
  readonly second: number
  readonly micros: number
  /** Days since 2000-01-01; for intervals what the calendar's formula makes of their fields. */
  readonly days: number
  readonly dayOfYear: number
  readonly zone: { readonly name: string; readonly offset: number } | undefined
}

/** to_char(timestamp, text); null for infinities and for an empty template, as PostgreSQL. */
export function formatTimestampPattern(micros: Int8, pattern: string): string | null {
  return formatLocal(micros, pattern, undefined)
}

/** to_char(timestamptz, text), in the session's zone. */
export function formatTimestampTzPattern(micros: Int8, pattern: string, context: TypeContext): string | null {
  if (micros === Infinity || micros === -Infinity) return null
  const zone = zoneOf(context)
  const days = timestampDay(micros)
  const seconds = days * SECONDS_PER_DAY + Math.floor(timestampTime(micros, days) / MICROS_PER_SECOND)
  const offset = zone.offsetAt(seconds)
  const local =
    typeof micros === 'number' ? micros + offset * MICROS_PER_SECOND : micros + BigInt(offset) * 1_000_000n
  return formatLocal(local, pattern, { name: zone.abbreviationAt(seconds), offset })
}

function formatLocal(micros: Int8, pattern: string, zone: Shown['zone']): string | null {
  if (pattern === '' || micros === Infinity || micros === -Infinity) return null
  const days = timestampDay(micros)
  const date = dateFromDay(days)
  const time = timestampTime(micros, days)
  const seconds = Math.floor(time / MICROS_PER_SECOND)
  return format(pattern, {
    isInterval: false,
    ...date,
    hour: Math.floor(seconds / 3600),
    minute: Math.floor(seconds / 60) % 60,
    second: seconds % 60,
    micros: time % MICROS_PER_SECOND,
    days,
    dayOfYear: dayOfYear(date),
    zone,
  })
}

/** to_char(interval, text); null for an empty template. */
export function formatIntervalPattern(value: Interval, pattern: string): string | null {
  if (pattern === '') return null
  const { hours, minutes, seconds, fraction } = intervalTime(value.micros)
  const year = Math.trunc(value.months / 12)
  const month = value.months % 12
  return format(pattern, {
    isInterval: true,
    year,
    month,
    day: value.days,
    hour: hours,
    minute: minutes,
    second: seconds,
    micros: fraction,
    days: intervalJulianDay(year, month, value.days) - EPOCH_JULIAN_DAY,
    dayOfYear: value.months * 30 + value.days,
    zone: undefined,
  })
}

function format(pattern: string, shown: Shown): string {
  let text = ''
  for (const node of parsePattern(pattern, DATE_TIME_FAMILY)) {
    text += node.kind === 'action' ? formatField(node, shown) : node.character
  }
  return text
}

function notForIntervals(shown: Shown): void {
  if (!shown.isInterval) return
  throw new SqlError('22007', 'invalid format specification for an interval value', {
    hint: 'Intervals are not tied to specific calendar dates.',
  })
}

/** A number padded with zeroes, unless FM; a minus counts as one place more. With its th. */
function numberField({ fill, ordinal }: PatternAction, value: number, width: number): string {
  const digits = fill ? String(Math.abs(value)) : String(Math.abs(value)).padStart(width, '0')
  const text = value < 0 ? `-${digits}` : digits
  return ordinal === undefined ? text : text + ordinalSuffix(digits, ordinal)
}

/** A number padded to a width that its minus is part of. */
function signedField(node: PatternAction, value: number, width: number): string {
  return numberField(node, value, value < 0 ? width - 1 : width)
}

/** A name in the case of its keyword, padded to nine places unless FM or abbreviated. */
function nameField({ keyword, fill }: PatternAction, name: string, width: number): string {
  const isUpper = keyword === keyword.toUpperCase()
  const isLower = keyword === keyword.toLowerCase()
  const cased = isUpper ? name.toUpperCase() : isLower ? name.toLowerCase() : name
  return fill ? cased : cased.padEnd(width)
}

/** Localized names are not padded. */
function unpadded(node: PatternAction): PatternAction {
  return node.localized ? { ...node, fill: true } : node
}

function formatField(node: PatternAction, shown: Shown): string {
  const keyword = node.keyword.toUpperCase()
  switch (keyword) {
    case 'FX':
      return ''
    case 'HH':
    case 'HH12':
      return numberField(node, shown.hour % 12 === 0 ? 12 : shown.hour % 12, 2)
    case 'HH24':
      return numberField(node, shown.hour, 2)
    case 'MI':
      return numberField(node, shown.minute, 2)
    case 'SS':
      return numberField(node, shown.second, 2)
    case 'MS':
    case 'US':
    case 'FF1':
    case 'FF2':
    case 'FF3':
    case 'FF4':
    case 'FF5':
    case 'FF6': {
      const digits = keyword === 'MS' ? 3 : keyword === 'US' ? 6 : Number(keyword[2])
      return numberField({ ...node, fill: false }, Math.trunc(shown.micros / 10 ** (6 - digits)), digits)
    }
    case 'SSSS':
    case 'SSSSS':
      return numberField(node, shown.hour * 3600 + shown.minute * 60 + shown.second, 0)
    case 'AM':
    case 'PM':
    case 'A.M.':
    case 'P.M.': {
      const half = ((shown.hour % 24) + 24) % 24 >= 12 && shown.hour >= 0 ? 'PM' : 'AM'
      return nameField({ ...node, fill: true }, keyword.includes('.') ? `${half[0]}.M.` : half, 0)
    }
    default:
      return formatDateField(node, keyword, shown)
  }
}

function formatDateField(node: PatternAction, keyword: string, shown: Shown): string {
  switch (keyword) {
    case 'MM':
      return numberField(node, shown.month, 2)
    case 'DD':
      return signedField(node, shown.day, 2)
    case 'DDD':
      return signedField(node, shown.dayOfYear, 3)
    case 'WW':
      return signedField(node, Math.trunc((shown.dayOfYear - 1) / 7) + 1, 2)
    case 'W':
      return numberField(node, Math.trunc((shown.day - 1) / 7) + 1, 0)
    case 'Q':
      return shown.month === 0 ? '' : numberField(node, Math.trunc((shown.month - 1) / 3) + 1, 0)
    case 'J':
      return numberField(node, shown.days + EPOCH_JULIAN_DAY, 0)
    case 'CC':
      return formatCentury(node, shown)
    case 'RM':
      return formatRomanMonth(node, shown)
    case 'IDDD':
      return signedField(node, shown.days - dayFromIsoWeek(isoWeek(shown.days).year, 1) + 1, 3)
    case 'IW':
      return signedField(node, isoWeek(shown.days).week, 2)
    case 'IYYY':
    case 'IYY':
    case 'IY':
    case 'I':
      return formatYear(node, shown, isoWeek(shown.days).year)
    case 'Y,YYY':
    case 'YYYY':
    case 'YYY':
    case 'YY':
    case 'Y':
      return formatYear(node, shown, shown.year)
    case 'TZ':
    case 'TZH':
    case 'TZM':
    case 'OF':
      notForIntervals(shown)
      return formatZone(node, shown.zone)
    default:
      return formatCalendarField(node, keyword, shown)
  }
}

/** What PostgreSQL's Julian day formula gives for the fields of an interval. */
function intervalJulianDay(year: number, month: number, day: number): number {
  const shiftedMonth = month > 2 ? month + 1 : month + 13
  const shiftedYear = month > 2 ? year + 4800 : year + 4799
  const century = Math.trunc(shiftedYear / 100)
  const base = shiftedYear * 365 - 32_167 + Math.trunc(shiftedYear / 4) - century + Math.trunc(century / 4)
  return base + Math.trunc((7834 * shiftedMonth) / 256) + day
}

/** Fields that only a date has. */
function formatCalendarField(node: PatternAction, keyword: string, shown: Shown): string {
  notForIntervals(shown)
  switch (keyword) {
    case 'AD':
    case 'BC':
    case 'A.D.':
    case 'B.C.': {
      const era = shown.year <= 0 ? 'BC' : 'AD'
      return nameField({ ...node, fill: true }, keyword.includes('.') ? `${era[0]}.${era[1]}.` : era, 0)
    }
    case 'MONTH':
      return nameField(unpadded(node), MONTH_NAMES[shown.month - 1] as string, 9)
    case 'MON':
      return nameField(node, (MONTH_NAMES[shown.month - 1] as string).slice(0, 3), 0)
    case 'DAY':
      return nameField(unpadded(node), WEEKDAY_NAMES[dayOfWeek(shown.days)] as string, 9)
    case 'DY':
      return nameField(node, (WEEKDAY_NAMES[dayOfWeek(shown.days)] as string).slice(0, 3), 0)
    case 'D':
      return numberField(node, dayOfWeek(shown.days) + 1, 0)
    case 'ID':
      return numberField(node, dayOfWeek(shown.days) || 7, 0)
    default:
      return ''
  }
}

/** The last digits of a year, as many as the keyword has Ys. 1 BC is year 1 here. */
function formatYear(
  node: PatternAction,
  { isInterval, year: shownYear }: Shown,
  astronomical: number,
): string {
  const year = isInterval || astronomical > 0 ? astronomical : 1 - astronomical
  const width = node.keyword.length
  if (width === 5) {
    const thousands = Math.trunc(year / 1000)
    const rest = year - thousands * 1000
    const digits = String(Math.abs(rest)).padStart(rest < 0 ? 2 : 3, '0')
    const text = `${thousands},${rest < 0 ? '-' : ''}${digits}`
    return node.ordinal === undefined ? text : text + ordinalSuffix(text, node.ordinal)
  }
  const digits = width === 4 ? year : year % 10 ** width
  // The width depends on the sign of the calendar year, even where the ISO year is shown.
  return digits < 0 && shownYear >= 0 ? signedField(node, digits, width) : numberField(node, digits, width)
}

function formatCentury(node: PatternAction, { isInterval, year }: Shown): string {
  const century = isInterval
    ? Math.trunc(year / 100)
    : year > 0
      ? Math.trunc((year - 1) / 100) + 1
      : Math.trunc(year / 100) - 1
  return numberField(node, century, Math.abs(century) <= 99 ? 2 : 0)
}

function formatRomanMonth(node: PatternAction, { year, month }: Shown): string {
  if (month === 0 && year === 0) return ''
  // Whole years of an interval show as the twelfth month; negative months count from the end.
  const shown = month > 0 ? month : month === 0 ? (year >= 0 ? 12 : 1) : 13 + month
  return nameField(node, romanNumeral(shown), 4)
}

function formatZone(node: PatternAction, zone: Shown['zone']): string {
  const keyword = node.keyword.toUpperCase()
  if (keyword === 'TZ') return zone === undefined ? '' : nameField({ ...node, fill: true }, zone.name, 0)
  const offset = zone?.offset ?? 0
  const minutes = Math.trunc(Math.abs(offset) / 60)
  const hours = String(Math.trunc(minutes / 60))
  const minutesText = String(minutes % 60).padStart(2, '0')
  const sign = offset < 0 ? '-' : '+'
  if (keyword === 'TZM') return minutesText
  if (keyword === 'TZH') return sign + hours.padStart(2, '0')
  return `${sign}${hours.padStart(node.fill ? 0 : 2, '0')}${minutes % 60 === 0 ? '' : `:${minutesText}`}`
}
