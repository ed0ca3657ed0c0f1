// Text output of intervals in the four IntervalStyles (documentation, section 8.5.5 and table 8.18).
//
//   postgres            1 year 2 mons -3 days +04:05:06
//   postgres_verbose    @ 1 year 2 mons -3 days 4 hours 5 mins 6 secs
//   sql_standard        +1-2 -3 +4:05:06
//   iso_8601            P1Y2M-3DT4H5M6S

import { type Interval, intervalTime } from './interval.ts'
import type { TypeContext } from './type.ts'

/** The fields of an interval, each with its sign. */
interface Parts {
  years: number
  months: number
  days: number
  hours: number
  minutes: number
  seconds: number
  fraction: number
}

export function formatInterval(value: Interval, style: TypeContext['intervalStyle']): string {
  const parts: Parts = {
    years: Math.trunc(value.months / 12),
    months: value.months % 12,
    days: value.days,
    ...intervalTime(value.micros),
  }
  switch (style) {
    case 'postgres':
      return formatPostgres(parts)
    case 'postgres_verbose':
      return formatVerbose(parts)
    case 'sql_standard':
      return formatSqlStandard(parts)
    case 'iso_8601':
      return formatIso(parts)
  }
}

function isTimeNegative({ hours, minutes, seconds, fraction }: Parts): boolean {
  return hours < 0 || minutes < 0 || seconds < 0 || fraction < 0
}

function hasTime({ hours, minutes, seconds, fraction }: Parts): boolean {
  return hours !== 0 || minutes !== 0 || seconds !== 0 || fraction !== 0
}

function twoDigits(value: number): string {
  return String(Math.abs(value)).padStart(2, '0')
}

/** Seconds without sign, with the digits of the fraction that are not zero. */
function formatSeconds({ seconds, fraction }: Parts, width: number): string {
  const whole = String(Math.abs(seconds)).padStart(width, '0')
  if (fraction === 0) return whole
  return `${whole}.${String(Math.abs(fraction)).padStart(6, '0').replace(/0+$/, '')}`
}

function formatPostgres(parts: Parts): string {
  const words: string[] = []
  // A positive field behind a negative one shows its sign.
  let afterNegative = false
  const add = (value: number, unit: string): void => {
    if (value === 0) return
    words.push(`${afterNegative && value > 0 ? '+' : ''}${value} ${unit}${value === 1 ? '' : 's'}`)
    afterNegative = value < 0
  }
  add(parts.years, 'year')
  add(parts.months, 'mon')
  add(parts.days, 'day')
  if (words.length === 0 || hasTime(parts)) {
    const sign = isTimeNegative(parts) ? '-' : afterNegative ? '+' : ''
    words.push(`${sign}${twoDigits(parts.hours)}:${twoDigits(parts.minutes)}:${formatSeconds(parts, 2)}`)
  }
  return words.join(' ')
}

function formatVerbose(parts: Parts): string {
  let text = '@'
  let isFirst = true
  // The first field decides the direction; "ago" then stands for its minus.
  let isBefore = false
  const add = (value: number, unit: string): void => {
    if (value === 0) return
    if (isFirst) isBefore = value < 0
    const shown = isBefore ? -value : value
    text += ` ${shown} ${unit}${shown === 1 ? '' : 's'}`
    isFirst = false
  }
  add(parts.years, 'year')
  add(parts.months, 'mon')
  add(parts.days, 'day')
  add(parts.hours, 'hour')
  add(parts.minutes, 'min')
  const { seconds, fraction } = parts
  if (seconds !== 0 || fraction !== 0) {
    const isNegative = seconds < 0 || fraction < 0
    if (isFirst) isBefore = isNegative
    const plural = Math.abs(seconds) !== 1 || fraction !== 0 ? 's' : ''
    text += ` ${isNegative === isBefore ? '' : '-'}${formatSeconds(parts, 1)} sec${plural}`
    isFirst = false
  }
  if (isFirst) text += ' 0'
  return isBefore ? `${text} ago` : text
}

function formatSqlStandard(parts: Parts): string {
  const values = Object.values(parts) as number[]
  const hasNegative = values.some((value) => value < 0)
  const hasPositive = values.some((value) => value > 0)
  if (!hasNegative && !hasPositive) return '0'
  const hasYearMonth = parts.years !== 0 || parts.months !== 0
  const hasDayTime = parts.days !== 0 || hasTime(parts)
  const yearMonth = `${Math.abs(parts.years)}-${Math.abs(parts.months)}`
  const time = `${Math.abs(parts.hours)}:${twoDigits(parts.minutes)}:${formatSeconds(parts, 2)}`
  const days = Math.abs(parts.days)
  if ((hasNegative && hasPositive) || (hasYearMonth && hasDayTime)) {
    const sign = (isNegative: boolean): string => (isNegative ? '-' : '+')
    const signs = [
      sign(parts.years < 0 || parts.months < 0),
      sign(parts.days < 0),
      sign(isTimeNegative(parts)),
    ]
    return `${signs[0]}${yearMonth} ${signs[1]}${days} ${signs[2]}${time}`
  }
  const minus = hasNegative ? '-' : ''
  if (hasYearMonth) return minus + yearMonth
  return days === 0 ? minus + time : `${minus}${days} ${time}`
}

function formatIso(parts: Parts): string {
  const field = (value: number, unit: string): string => (value === 0 ? '' : `${value}${unit}`)
  const date = field(parts.years, 'Y') + field(parts.months, 'M') + field(parts.days, 'D')
  if (!hasTime(parts)) return date === '' ? 'PT0S' : `P${date}`
  const { seconds, fraction } = parts
  const sign = seconds < 0 || fraction < 0 ? '-' : ''
  const secondsField = seconds === 0 && fraction === 0 ? '' : `${sign}${formatSeconds(parts, 1)}S`
  return `P${date}T${field(parts.hours, 'H')}${field(parts.minutes, 'M')}${secondsField}`
}
