// The log: pino, one JSON object a line on standard error (standard output has the one line `listening on ...`).

import { destination, type Logger, pino } from 'pino'

const STANDARD_ERROR = 2

/** Opens the log. Lines are written at once, so that none is lost when the process dies. */
export function openLog(level: string): Logger {
  return pino({ level, base: null }, destination({ dest: STANDARD_ERROR, sync: true }))
}
