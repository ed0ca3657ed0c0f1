// The parts of a date and time, as the decoders of date/time text keep account of them.

import { MICROS_PER_SECOND } from './calendar.ts'

// Parts that a text has given, as bits.
export const YEAR = 1
export const MONTH = 2
export const DAY = 4
export const DAY_OF_YEAR = 8
export const HOUR = 16
export const MINUTE = 32
export const SECOND = 64
export const ZONE = 128
export const DST_WORD = 256
export const WEEKDAY = 512
export const MERIDIAN = 1024
export const ERA = 2048
export const MOMENT = 4096
/**
 * A second without a fraction behind a label is not a whole time: PostgreSQL counts the fraction by itself.
 */
export const FRACTION = 8192
export const DATE: number = YEAR | MONTH | DAY
export const TIME: number = HOUR | MINUTE | SECOND | FRACTION

/** C's rint(): half to even. */
export function roundHalfEven(value: number): number {
  const rounded = Math.round(value)
  return Math.abs(value - Math.trunc(value)) === 0.5 && rounded % 2 !== 0 ? rounded - 1 : rounded
}

/** Microseconds of a fraction '.123'. */
export function fractionMicros(text: string): number {
  return text === '.' ? 0 : roundHalfEven(Number(text) * MICROS_PER_SECOND)
}

/** The runs of digits and of letters in a date; one character is dropped behind each, as PostgreSQL does. */
export function dateWords(text: string): string[] | undefined {
  const words: string[] = []
  let rest = text
  while (rest !== '') {
    const match = /^[^a-z0-9]*(\d+|[a-z]+)/.exec(rest)
    if (match === null) return undefined
    words.push(match[1] as string)
    rest = rest.slice(match[0].length + 1)
  }
  return words
}
