// What can be wrong with a date, time or interval in text, in PostgreSQL's words and SQLSTATEs.

import { invalidSyntax } from './input-errors.ts'
import { SqlError } from './sql-error.ts'

/**
 * 'format': not understood (22007). 'field': a value out of its range (22008). 'month-day': the same, perhaps
 * because day and month were read in the wrong order. 'zone': displacement too large (22009). 'interval':
 * 22015.
 */
export type DateTimeProblem = 'format' | 'field' | 'month-day' | 'zone' | 'interval'

export function dateTimeError(problem: DateTimeProblem, text: string, typeName: string): SqlError {
  switch (problem) {
    case 'format':
      return new SqlError('22007', invalidSyntax(typeName, text).message)
    case 'field':
      return new SqlError('22008', `date/time field value out of range: "${text}"`)
    case 'month-day':
      return new SqlError('22008', `date/time field value out of range: "${text}"`, {
        hint: 'Perhaps you need a different "datestyle" setting.',
      })
    case 'zone':
      return new SqlError('22009', `time zone displacement out of range: "${text}"`)
    case 'interval':
      return new SqlError('22015', `interval field value out of range: "${text}"`)
  }
}

/** 22008: 'timestamp out of range' and 'date out of range', with the text where there is one. */
export function dateTimeOutOfRange(typeName: string, text?: string): SqlError {
  return new SqlError('22008', `${typeName} out of range${text === undefined ? '' : `: "${text}"`}`)
}

/** 22023: SET TIME ZONE, AT TIME ZONE and input with a name that is no zone. */
export function unknownTimeZone(name: string): SqlError {
  return new SqlError('22023', `time zone "${name}" not recognized`)
}
