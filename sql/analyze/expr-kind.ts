// Where in a statement an expression stands. It decides what may stand there (aggregates, window functions, sets,
// subqueries, columns) and how PostgreSQL words the refusal.

/** The places, by the clause's name. */
export type ExprKind =
  | 'join-on'
  | 'join-using'
  | 'from-subselect'
  | 'from-function'
  | 'where'
  | 'having'
  | 'filter'
  | 'window-partition'
  | 'window-order'
  | 'window-range'
  | 'window-rows'
  | 'window-groups'
  | 'select'
  | 'insert-target'
  | 'update-source'
  | 'update-target'
  | 'group-by'
  | 'order-by'
  | 'distinct-on'
  | 'limit'
  | 'offset'
  | 'returning'
  | 'values'
  | 'values-single'
  | 'check'
  | 'default'
  | 'index-expression'
  | 'index-predicate'
  | 'transform'
  | 'execute-parameter'
  | 'partition-key'
  | 'generated'
  | 'call'
  | 'copy-where'
  | 'other'

interface Place {
  /** The construct's name in messages such as `argument of WHERE must be type boolean`. */
  readonly name: string
  /** Completes `aggregate functions are not allowed in ...`. */
  readonly phrase: string
  /** Which of aggregates, window functions and set-returning functions are allowed. */
  readonly allows: string
}

const place = (name: string, allows = '', phrase = name): Place => ({ name, phrase, allows })

const PLACES: Readonly<Record<ExprKind, Place>> = {
  'join-on': place('JOIN/ON', '', 'JOIN conditions'),
  'join-using': place('JOIN/USING', '', 'JOIN conditions'),
  'from-subselect': place('sub-SELECT in FROM', '', 'FROM clause of their own query level'),
  'from-function': place('function in FROM', 's', 'functions in FROM'),
  where: place('WHERE'),
  having: place('HAVING', 'a'),
  filter: place('FILTER'),
  'window-partition': place('window PARTITION BY', 'as', 'window definitions'),
  'window-order': place('window ORDER BY', 'as', 'window definitions'),
  'window-range': place('window RANGE', '', 'window RANGE'),
  'window-rows': place('window ROWS', '', 'window ROWS'),
  'window-groups': place('window GROUPS', '', 'window GROUPS'),
  select: place('SELECT', 'aws'),
  'insert-target': place('INSERT'),
  'update-source': place('UPDATE'),
  'update-target': place('UPDATE'),
  'group-by': place('GROUP BY', 's'),
  'order-by': place('ORDER BY', 'aws'),
  'distinct-on': place('DISTINCT ON', 'aws'),
  limit: place('LIMIT'),
  offset: place('OFFSET'),
  returning: place('RETURNING'),
  values: place('VALUES'),
  'values-single': place('VALUES', 's'),
  check: place('CHECK', '', 'check constraints'),
  default: place('DEFAULT', '', 'DEFAULT expressions'),
  'index-expression': place('index expression', '', 'index expressions'),
  'index-predicate': place('index predicate', '', 'index predicates'),
  transform: place('USING', '', 'transform expressions'),
  'execute-parameter': place('EXECUTE', '', 'EXECUTE parameters'),
  'partition-key': place('PARTITION BY', '', 'partition key expressions'),
  generated: place('GENERATED AS', '', 'column generation expressions'),
  call: place('CALL', '', 'CALL arguments'),
  'copy-where': place('WHERE', '', 'COPY FROM WHERE conditions'),
  other: place('expression', 'aws'),
}

/** Subqueries are refused in these, worded `cannot use subquery in ...`. */
const NO_SUBQUERY: Partial<Record<ExprKind, string>> = {
  check: 'check constraint',
  default: 'DEFAULT expression',
  'index-expression': 'index expression',
  'index-predicate': 'index predicate',
  transform: 'transform expression',
  'execute-parameter': 'EXECUTE parameter',
  'partition-key': 'partition key expression',
  generated: 'column generation expression',
  'copy-where': 'COPY FROM WHERE condition',
  call: 'CALL argument',
}

/** The clause's name in messages: WHERE, JOIN/ON, window ORDER BY. */
export function clauseName(kind: ExprKind): string {
  return PLACES[kind].name
}

/** Completes `... are not allowed in`; window definitions have their own words for each kind of call. */
export function placePhrase(kind: ExprKind, refused: 'aggregate' | 'window' | 'set'): string {
  if (kind.startsWith('window-') && refused !== 'aggregate') return 'window definitions'
  return PLACES[kind].phrase
}

export function allowsAggregates(kind: ExprKind): boolean {
  return PLACES[kind].allows.includes('a')
}

export function allowsWindows(kind: ExprKind): boolean {
  return PLACES[kind].allows.includes('w')
}

export function allowsSets(kind: ExprKind): boolean {
  return PLACES[kind].allows.includes('s')
}

/** Completes `cannot use subquery in ...`, or undefined where subqueries are fine. */
export function subqueryRefusal(kind: ExprKind): string | undefined {
  return NO_SUBQUERY[kind]
}
