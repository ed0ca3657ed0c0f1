// A prepared statement of one session: from Parse or PREPARE. Its plan comes from the database's shared cache and is made
// anew when the catalog changed; its result columns may not change then (0A000, as in PostgreSQL).

import type { OutputColumn } from '../exec/execution.ts'
import type { ParsedStatement } from '../parse/parse.ts'
import type { CachedStatement } from './plan-cache.ts'

export interface PreparedStatement {
  readonly name: string
  readonly text: string
  /** undefined: the empty statement. */
  readonly parsed: ParsedStatement | undefined
  /** As the client declared them; 0: inferred. */
  readonly declaredTypes: readonly number[]
  parameterTypes: readonly number[]
  columns: readonly OutputColumn[] | undefined
  /** The newest plan; undefined for utility statements. */
  cached: CachedStatement | undefined
  /** Makes that plan anew; made when it is bound first. */
  replan?: (() => CachedStatement) | undefined
  readonly preparedMicros: number
  readonly isFromSql: boolean
  /** A declared type that is not there, of a parameter that the statement does not use: it cannot be bound. */
  readonly missingType?: number | undefined
}
