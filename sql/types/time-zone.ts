// Time zones, from the zone data inside Node (Intl). Intl only formats, which takes microseconds, so each
// zone keeps the transitions of the years that were asked for: a year is sampled every ten days once, and
// each change of offset is then found to the second by bisection.
//
//   offsetAt(utc)         what to add to UTC          resolveLocal(local)   the offset of a wall time
//        └── segment of last time, else the year's transitions ──┘
//
// Times here are whole seconds since 2000-01-01; offsets are seconds EAST of UTC.

import { dateFromDay, dayFromDate, SECONDS_PER_DAY, UNIX_EPOCH_SECONDS } from './calendar.ts'

export interface TimeZone {
  /** As SHOW timezone prints it. */
  readonly name: string
  /** Seconds east of UTC at an instant. */
  offsetAt(utcSeconds: number): number
  /**
   * The offset of a wall time, as PostgreSQL chooses: a time in a spring gap is read with the offset before
   * the change, one that happens twice in autumn with the offset after it.
   */
  resolveLocal(localSeconds: number): number
  /** What clocks call the time then: 'CET', 'EDT', '+03'. */
  abbreviationAt(utcSeconds: number): string
  /** The only offset the zone ever has; undefined for zones with a history. */
  readonly fixedOffset: number | undefined
}

interface Transition {
  readonly at: number
  readonly before: number
  readonly after: number
}

/** Years that Intl is asked about; others are mapped into the same place of the 400-year cycle. */
const YEAR_MIN = 1840
const YEAR_MAX = 2437
const SAMPLE_STEP_SECONDS: number = 10 * SECONDS_PER_DAY
const CYCLE_SECONDS: number = 146_097 * SECONDS_PER_DAY

class IntlZone implements TimeZone {
  readonly name: string
  readonly fixedOffset = undefined
  readonly #format: Intl.DateTimeFormat
  readonly #years = new Map<number, readonly Transition[]>()
  readonly #offsetsAtYearStart = new Map<number, number>()
  #from = 0
  #until = 0
  #offset = 0

  constructor(name: string, format: Intl.DateTimeFormat) {
    this.name = name
    this.#format = format
  }

  offsetAt(utcSeconds: number): number {
    if (utcSeconds >= this.#from && utcSeconds < this.#until) return this.#offset
    const year = yearOf(utcSeconds)
    if (year < YEAR_MIN) return this.#sample(secondsOfYear(YEAR_MIN))
    if (year > YEAR_MAX) return this.offsetAt(utcSeconds - Math.ceil((year - YEAR_MAX) / 400) * CYCLE_SECONDS)
    const transitions = this.#transitions(year)
    let offset = this.#offsetsAtYearStart.get(year) as number
    let from = secondsOfYear(year)
    let until = secondsOfYear(year + 1)
    for (const { at, after } of transitions) {
      if (utcSeconds < at) {
        until = at
        break
      }
      from = at
      offset = after
    }
    this.#from = from
    this.#until = until
    this.#offset = offset
    return offset
  }

  resolveLocal(localSeconds: number): number {
    const dayBefore = localSeconds - SECONDS_PER_DAY
    const before = this.offsetAt(dayBefore)
    // Inside the segment with a day to spare there is nothing to decide.
    if (localSeconds + SECONDS_PER_DAY < this.#until && dayBefore >= this.#from) return before
    const boundary = this.#nextTransition(dayBefore)
    if (boundary === undefined) return before
    const beforeTime = localSeconds - boundary.before
    const afterTime = localSeconds - boundary.after
    if (beforeTime < boundary.at && afterTime < boundary.at) return boundary.before
    if (beforeTime > boundary.at && afterTime >= boundary.at) return boundary.after
    return beforeTime > afterTime ? boundary.before : boundary.after
  }

  abbreviationAt(utcSeconds: number): string {
    const year = yearOf(utcSeconds)
    const shift = year > YEAR_MAX ? Math.ceil((year - YEAR_MAX) / 400) * CYCLE_SECONDS : 0
    return abbreviation(this.name, utcSeconds - shift, this.offsetAt(utcSeconds))
  }

  /** The first transition after an instant, within the days that matter to a wall time a day later. */
  #nextTransition(utcSeconds: number): Transition | undefined {
    const year = yearOf(utcSeconds)
    if (year < YEAR_MIN) return undefined
    if (year > YEAR_MAX) {
      const shift = Math.ceil((year - YEAR_MAX) / 400) * CYCLE_SECONDS
      const found = this.#nextTransition(utcSeconds - shift)
      return found && { ...found, at: found.at + shift }
    }
    return (
      this.#transitions(year).find(({ at }) => at > utcSeconds) ??
      this.#transitions(Math.min(year + 1, YEAR_MAX)).find(({ at }) => at > utcSeconds)
    )
  }

  #transitions(year: number): readonly Transition[] {
    const known = this.#years.get(year)
    if (known !== undefined) return known
    const start = secondsOfYear(year)
    const end = secondsOfYear(year + 1)
    const found: Transition[] = []
    let before = this.#sample(start)
    this.#offsetsAtYearStart.set(year, before)
    for (let from = start; from < end; from += SAMPLE_STEP_SECONDS) {
      const until = Math.min(from + SAMPLE_STEP_SECONDS, end)
      const after = this.#sample(until)
      if (after === before) continue
      found.push({ at: this.#bisect(from, until, before), before, after })
      before = after
    }
    this.#years.set(year, found)
    return found
  }

  /** The first second in (from, until] whose offset is not `before`. */
  #bisect(from: number, until: number, before: number): number {
    let low = from
    let high = until
    while (high - low > 1) {
      const middle = Math.floor((low + high) / 2)
      if (this.#sample(middle) === before) low = middle
      else high = middle
    }
    return high
  }

  /** The offset as Intl formats it. */
  #sample(utcSeconds: number): number {
    const parts = this.#format.formatToParts((utcSeconds + UNIX_EPOCH_SECONDS) * 1000)
    const numbers: Record<string, number> = {}
    let isBc = false
    for (const { type, value } of parts) {
      if (type === 'era') isBc = value.startsWith('B')
      else numbers[type] = Number(value)
    }
    const { year = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0 } = numbers
    const local =
      dayFromDate(isBc ? 1 - year : year, month, day) * SECONDS_PER_DAY + hour * 3600 + minute * 60 + second
    return local - utcSeconds
  }
}

/**
 * The offset that an abbreviation of the zone stands for around a wall time: the zone's offset outside of
 * summer, and an hour more for a summer abbreviation.
 */
export function abbreviationOffset(zone: TimeZone, localSeconds: number, isSummer: boolean): number {
  const now = zone.offsetAt(localSeconds)
  const standard = hasSummerTime(zone, localSeconds) ? now - 3600 : now
  return isSummer ? standard + 3600 : standard
}

/**
 * Whether an instant lies in summer time: the zone is behind some months before, and again some months after.
 */
function hasSummerTime(zone: TimeZone, utcSeconds: number): boolean {
  const now = zone.offsetAt(utcSeconds)
  const quarter = 91 * SECONDS_PER_DAY
  const before = [1, 2, 3].some((n) => zone.offsetAt(utcSeconds - n * quarter) < now)
  const after = [1, 2, 3].some((n) => zone.offsetAt(utcSeconds + n * quarter) < now)
  return before && after
}

/** A zone with one offset: UTC, '+05:30', POSIX 'XYZ-3'. */
class FixedZone implements TimeZone {
  readonly name: string
  readonly fixedOffset: number
  readonly #abbreviation: string

  constructor(name: string, offset: number, abbreviationText: string) {
    this.name = name
    this.fixedOffset = offset
    this.#abbreviation = abbreviationText
  }

  offsetAt(): number {
    return this.fixedOffset
  }

  resolveLocal(): number {
    return this.fixedOffset
  }

  abbreviationAt(): string {
    return this.#abbreviation
  }
}

function yearOf(utcSeconds: number): number {
  return dateFromDay(Math.floor(utcSeconds / SECONDS_PER_DAY)).year
}

function secondsOfYear(year: number): number {
  return dayFromDate(year, 1, 1) * SECONDS_PER_DAY
}

const UTC_NAMES = new Set([
  'utc',
  'etc/utc',
  'zulu',
  'etc/zulu',
  'uct',
  'etc/uct',
  'universal',
  'etc/universal',
])
const GMT_NAMES = new Set([
  'gmt',
  'etc/gmt',
  'gmt0',
  'gmt+0',
  'gmt-0',
  'etc/gmt0',
  'greenwich',
  'etc/greenwich',
])
const POSIX = /^(<[^<>]+>|[a-z]+)([+-]?)(\d{1,2})(?::(\d{2}))?(?::(\d{2}))?$/i

const zones = new Map<string, TimeZone | undefined>()

/**
 * The zone of this name: IANA (any case), POSIX with a fixed offset ('UTC-3', '<+03>-03'); undefined if
 * unknown.
 */
export function findTimeZone(name: string): TimeZone | undefined {
  let zone = zones.get(name)
  if (zone === undefined && !zones.has(name)) {
    zone = makeTimeZone(name)
    if (zones.size < 4096) zones.set(name, zone)
  }
  return zone
}

function makeTimeZone(name: string): TimeZone | undefined {
  const lower = name.toLowerCase()
  if (lower.startsWith('posix/')) return makeTimeZone(name.slice(6))
  if (UTC_NAMES.has(lower)) return new FixedZone(canonicalName(lower), 0, 'UTC')
  if (GMT_NAMES.has(lower)) return new FixedZone(canonicalName(lower), 0, 'GMT')
  if (/^[a-z]/.test(lower) && /^[\w/+-]+$/.test(lower)) {
    const format = intlFormat(name)
    if (format !== undefined) return new IntlZone(canonicalName(lower), format)
  }
  const posix = POSIX.exec(name)
  if (posix === null) return undefined
  const [, label = '', sign, hours, minutes = '0', seconds = '0'] = posix
  const west = Number(hours) * 3600 + Number(minutes) * 60 + Number(seconds)
  if (west > 24 * 3600 + 59 * 60 + 59) return undefined
  const abbreviationText = label.startsWith('<') ? label.slice(1, -1) : label.toUpperCase()
  return new FixedZone(
    label.startsWith('<') ? name : name.toUpperCase(),
    sign === '-' ? west : -west,
    abbreviationText,
  )
}

function intlFormat(timeZone: string): Intl.DateTimeFormat | undefined {
  try {
    return new Intl.DateTimeFormat('en-US', {
      timeZone,
      hourCycle: 'h23',
      era: 'short',
      year: 'numeric',
      month: 'numeric',
      day: 'numeric',
      hour: 'numeric',
      minute: 'numeric',
      second: 'numeric',
    })
  } catch {
    return undefined
  }
}

/** Old names that Intl takes but does not list, and that no rule spells. */
const ODD_NAMES = [
  ...['America/Argentina/ComodRivadavia', 'America/Knox_IN', 'Australia/ACT', 'Brazil/DeNoronha', 'GB-Eire'],
  ...['Chile/EasterIsland', 'Mexico/BajaNorte', 'Mexico/BajaSur', 'W-SU'],
]

/** Words of zone names that are not simply capitalised. */
const SMALL_WORDS = new Set(['of', 'au', 'es'])
const CAPITAL_WORDS = new Set([
  ...[
    'utc',
    'gmt',
    'uct',
    'est',
    'mst',
    'hst',
    'cet',
    'met',
    'eet',
    'wet',
    'us',
    'nsw',
    'lhi',
    'gb',
    'nz',
    'prc',
  ],
  ...['rok', 'roc', 'est5edt', 'cst6cdt', 'mst7mdt', 'pst8pdt', 'nz-chat'],
])

/** The spelling of an IANA name: 'europe/berlin' -> 'Europe/Berlin'. */
function canonicalName(lower: string): string {
  const known = supportedNames().get(lower)
  if (known !== undefined) return known
  return lower
    .split('/')
    .map((part) => (CAPITAL_WORDS.has(part) ? part.toUpperCase() : part.replace(/[a-z]+/g, capitalise)))
    .join('/')
}

function capitalise(word: string): string {
  if (CAPITAL_WORDS.has(word)) return word.toUpperCase()
  return SMALL_WORDS.has(word) ? word : (word[0] as string).toUpperCase() + word.slice(1)
}

let names: ReadonlyMap<string, string> | undefined

function supportedNames(): ReadonlyMap<string, string> {
  names ??= new Map(
    [...ODD_NAMES, ...Intl.supportedValuesOf('timeZone')].map((name) => [name.toLowerCase(), name]),
  )
  return names
}

const WINTER_2020: number = dayFromDate(2020, 1, 15) * SECONDS_PER_DAY
const SUMMER_2020: number = dayFromDate(2020, 7, 15) * SECONDS_PER_DAY

const abbreviationFormats = new Map<string, Intl.DateTimeFormat>()

/**
 * European zones whose abbreviations Intl does not know in English, by offset in hours; the second is summer
 * time.
 */
const EUROPEAN: Readonly<Record<string, readonly [string, string]>> = {
  '0': ['WET', 'WEST'],
  '1': ['CET', 'CEST'],
  '2': ['EET', 'EEST'],
}
const ASIAN: Readonly<Record<string, string>> = {
  'Asia/Tokyo': 'JST',
  'Asia/Seoul': 'KST',
  'Asia/Shanghai': 'CST',
  'Asia/Taipei': 'CST',
  'Asia/Hong_Kong': 'HKT',
  'Asia/Kolkata': 'IST',
  'Asia/Calcutta': 'IST',
  'Asia/Karachi': 'PKT',
  'Asia/Manila': 'PST',
  'Asia/Jakarta': 'WIB',
  'Europe/Moscow': 'MSK',
  'Africa/Johannesburg': 'SAST',
  'Africa/Lagos': 'WAT',
  'Africa/Nairobi': 'EAT',
}

/**
 * Intl knows the abbreviations of the zones its locale lives in; for the others the table above, and the
 * numeric form that the zone data itself uses for most of the world.
 */
function abbreviation(zone: string, utcSeconds: number, offset: number): string {
  // Local mean time, before zones were agreed on.
  if (offset % 900 !== 0) return 'LMT'
  let format = abbreviationFormats.get(zone)
  if (format === undefined) {
    format = new Intl.DateTimeFormat(zone.startsWith('Australia') ? 'en-AU' : 'en-US', {
      timeZone: zone,
      timeZoneName: 'short',
    })
    abbreviationFormats.set(zone, format)
  }
  // For the distant past Intl gives offsets only; the name of the same offset today is the same.
  for (const at of [utcSeconds, WINTER_2020, SUMMER_2020]) {
    if (at !== utcSeconds && findTimeZone(zone)?.offsetAt(at) !== offset) continue
    const parts = format.formatToParts((at + UNIX_EPOCH_SECONDS) * 1000)
    const name = parts.find(({ type }) => type === 'timeZoneName')?.value ?? 'GMT'
    if (!name.startsWith('GMT')) return name
  }
  if (zone === 'Europe/London' || zone === 'GB') return offset === 0 ? 'GMT' : 'BST'
  if (zone === 'Europe/Dublin') return offset === 0 ? 'GMT' : 'IST'
  const asian = ASIAN[zone]
  if (asian !== undefined) return asian
  if (zone.startsWith('Europe/') && offset >= 0 && offset <= 3 * 3600)
    return europeanName(zone, utcSeconds, offset)
  const minutes = Math.floor(Math.abs(offset) / 60) % 60
  const hours = String(Math.floor(Math.abs(offset) / 3600)).padStart(2, '0')
  return `${offset < 0 ? '-' : '+'}${hours}${minutes === 0 ? '' : String(minutes).padStart(2, '0')}`
}

function europeanName(zoneName: string, utcSeconds: number, offset: number): string {
  const zone = findTimeZone(zoneName)
  const year = yearOf(utcSeconds)
  const winter = zone?.offsetAt(secondsOfYear(year)) ?? offset
  const isSummer = offset > winter
  const names = EUROPEAN[String((isSummer ? offset - 3600 : offset) / 3600)]
  return names === undefined ? '+03' : names[isSummer ? 1 : 0]
}
