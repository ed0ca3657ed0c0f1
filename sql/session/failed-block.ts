// The error of every statement in a failed transaction block but those that end it.

import { SqlError } from '../types/sql-error.ts'

export function failedBlock(): SqlError {
  return new SqlError(
    '25P02',
    'current transaction is aborted, commands ignored until end of transaction block',
  )
}
