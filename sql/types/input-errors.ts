// The errors that input functions share, in PostgreSQL's words.

import { SqlError } from './sql-error.ts'

/** 22P02: the text is no value of the type. `typeName` is SQL's name, e.g. 'integer'. */
export function invalidSyntax(typeName: string, text: string): SqlError {
  return new SqlError('22P02', `invalid input syntax for type ${typeName}: "${text}"`)
}

/** 22003: the text is a number, too large for the type. */
export function valueOutOfRange(typeName: string, text: string): SqlError {
  return new SqlError('22003', `value "${text}" is out of range for type ${typeName}`)
}

/** 22003 of arithmetic: 'integer out of range'. */
export function outOfRange(typeName: string): SqlError {
  return new SqlError('22003', `${typeName} out of range`)
}

/** Checks that a binary value has exactly `count` bytes: 08P01 when it has fewer, 22P03 when it has more. */
export function expectBytes(start: number, end: number, count: number): void {
  if (end - start < count) throw insufficientData()
  if (end - start > count) throw new SqlError('22P03', 'incorrect binary data format')
}

export function insufficientData(): SqlError {
  return new SqlError('08P01', 'insufficient data left in message')
}

/** What C's isspace accepts in the C locale: blank, \t \n \v \f \r. */
export function isSpace(code: number): boolean {
  return code === 0x20 || (code >= 0x09 && code <= 0x0d)
}

export function isDigit(code: number): boolean {
  return code >= 0x30 && code <= 0x39
}

/** Without the blanks that isSpace knows at either end. */
export function trimSpace(text: string): string {
  let start = 0
  let end = text.length
  while (start < end && isSpace(text.charCodeAt(start))) start++
  while (end > start && isSpace(text.charCodeAt(end - 1))) end--
  return start === 0 && end === text.length ? text : text.slice(start, end)
}
