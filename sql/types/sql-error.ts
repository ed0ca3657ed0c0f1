// SqlError: what went wrong in terms of SQL, for the user. Its fields are PostgreSQL's error fields
// (documentation, section 55.8). Everything a user can provoke ends as one of these; the server writes them
// to the wire.

/** The fields beside code and message; absent ones are not sent. */
export interface SqlErrorFields {
  readonly detail?: string | undefined
  readonly hint?: string | undefined
  /** 1-based character (not byte) position in the statement's text. */
  readonly position?: number | undefined
  readonly schema?: string | undefined
  readonly table?: string | undefined
  readonly column?: string | undefined
  readonly dataType?: string | undefined
  readonly constraint?: string | undefined
  readonly where?: string | undefined
}

export type Severity = 'ERROR' | 'FATAL' | 'PANIC' | 'WARNING' | 'NOTICE' | 'DEBUG' | 'INFO' | 'LOG'

export class SqlError extends Error {
  override readonly name = 'SqlError'
  /** SQLSTATE, five characters (documentation, appendix A). */
  readonly code: string
  readonly severity: Severity
  readonly fields: SqlErrorFields

  constructor(code: string, message: string, fields: SqlErrorFields = {}, severity: Severity = 'ERROR') {
    super(message)
    this.code = code
    this.severity = severity
    this.fields = fields
  }
}

/** A message that is not an error: NOTICE, WARNING and the like. */
export interface SqlNotice {
  readonly severity: Severity
  readonly code: string
  readonly message: string
  readonly fields: SqlErrorFields
}

/**
 * 0A000: PostgreSQL can, we cannot (yet). `feature` is the subject of the sentence, e.g. 'LATERAL XMLTABLE'.
 */
export function unsupported(feature: string, position?: number): SqlError {
  return new SqlError('0A000', `${feature} is not supported`, { position })
}
