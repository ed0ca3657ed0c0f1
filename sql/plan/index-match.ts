// Which conditions an index can answer: equality on its first columns, then a range or an IN list on the next.
//
//   index (a, b, c)     a = 1 AND b = $1 AND c > 5 AND d = 2
//                       └─────equal──────┘ └range┘ └residual filter┘
//
// A condition matches when its operator belongs to the type's btree order, its other side does not depend on the table,
// and the two types' keys are the same bytes (or both are integers, whose ranges are then checked).

import type { Index, Table } from '../catalog/catalog.ts'
import { conjunctsOf, freeRelations } from '../exec/expression/walk.ts'
import { STORED_RELATION } from '../exec/modify/compiled-table.ts'
import { sameExpr } from '../tree/walk.ts'
import { replace } from '../exec/expression/walk.ts'
import type { Expr } from '../tree/expr.ts'
import type { TableFrom } from '../tree/query.ts'
import type { Type } from '../types/type.ts'
import { bareColumn, isImmediate, isVolatile } from './expr-facts.ts'
import type { Planner } from './planner.ts'

/** How a value of the other side becomes a key of the column. */
export type KeyFit = 'same' | 'integer'

/** A value that bounds or equals a key column. */
export interface KeyPart {
  readonly expr: Expr
  readonly fit: KeyFit
}

export interface RangeBound extends KeyPart {
  readonly inclusive: boolean
}

export interface IndexMatch {
  readonly index: Index
  /** One for each of the first columns; 'null': IS NULL. */
  readonly equal: readonly (KeyPart | 'null')[]
  /** col = ANY(array) on the column after them. */
  readonly list: KeyPart | undefined
  readonly low: RangeBound | undefined
  readonly high: RangeBound | undefined
  /** Conditions that the ranges answer exactly. */
  readonly used: ReadonlySet<Expr>
}

type Comparison = '<' | '<=' | '=' | '>=' | '>'

/** One condition over one index column. */
interface Clause {
  readonly condition: Expr
  readonly comparison: Comparison | 'null' | 'list'
  readonly part: KeyPart | undefined
}

const MIRRORED: Readonly<Record<Comparison, Comparison>> = {
  '<': '>',
  '<=': '>=',
  '=': '=',
  '>=': '<=',
  '>': '<',
}
const INTEGER_SLOTS: ReadonlySet<string> = new Set(['int2', 'int4', 'int8'])

export function keyFit(column: Type, other: Type): KeyFit | undefined {
  if (column.oid === other.oid) return 'same'
  if (INTEGER_SLOTS.has(column.rowSlot) && INTEGER_SLOTS.has(other.rowSlot)) return 'integer'
  return column.encodeKey !== undefined && column.encodeKey === other.encodeKey ? 'same' : undefined
}

/** Matches conditions with the indexes of one table entry. */
export class IndexMatcher {
  readonly #planner: Planner
  readonly #from: TableFrom
  readonly #table: Table

  constructor(planner: Planner, from: TableFrom) {
    this.#planner = planner
    this.#from = from
    this.#table = from.table
  }

  /** What of the conditions the index can answer; partial indexes only where the conditions imply their predicate. */
  match(index: Index, conditions: readonly Expr[]): IndexMatch | undefined {
    if (!this.#impliesPredicate(index, conditions)) return undefined
    const equal: (KeyPart | 'null')[] = []
    const used = new Set<Expr>()
    for (let i = 0; i < index.columns.length; i++) {
      const clauses = conditions.flatMap((condition) => this.#clause(index, i, condition) ?? [])
      const equality = clauses.find((one) => one.comparison === '=' || one.comparison === 'null')
      if (equality !== undefined) {
        equal.push(equality.part ?? 'null')
        used.add(equality.condition)
        continue
      }
      return this.#last(index, equal, used, clauses)
    }
    return { index, equal, list: undefined, low: undefined, high: undefined, used }
  }

  #last(index: Index, equal: (KeyPart | 'null')[], used: Set<Expr>, clauses: readonly Clause[]): IndexMatch {
    const list = clauses.find((one) => one.comparison === 'list')
    if (list?.part !== undefined) {
      used.add(list.condition)
      return { index, equal, list: list.part, low: undefined, high: undefined, used }
    }
    const bound = (signs: readonly string[]): RangeBound | undefined => {
      const clause = clauses.find((one) => signs.includes(one.comparison))
      if (clause?.part === undefined) return undefined
      used.add(clause.condition)
      return { ...clause.part, inclusive: clause.comparison.endsWith('=') }
    }
    return { index, equal, list: undefined, low: bound(['>', '>=']), high: bound(['<', '<=']), used }
  }

  #clause(index: Index, position: number, condition: Expr): Clause | undefined {
    if (condition.kind === 'test' && condition.test === 'null' && !condition.negated) {
      if (index.isClustered || !this.#isKey(index, position, condition.arg)) return undefined
      return { condition, comparison: 'null', part: undefined }
    }
    if (condition.kind === 'array-compare') return this.#listClause(index, position, condition)
    if (condition.kind !== 'call' || condition.operatorOid === 0 || condition.args.length !== 2)
      return undefined
    const operator = this.#planner.functions.operatorByOid(condition.operatorOid)
    if (operator?.btree === undefined) return undefined
    const [left, right] = condition.args as [Expr, Expr]
    if (this.#isKey(index, position, left)) {
      return this.#valueClause(index, position, condition, operator.btree, {
        own: operator.left,
        expr: right,
      })
    }
    if (this.#isKey(index, position, right)) {
      const comparison = MIRRORED[operator.btree]
      return this.#valueClause(index, position, condition, comparison, { own: operator.right, expr: left })
    }
    return undefined
  }

  #valueClause(
    index: Index,
    position: number,
    condition: Expr,
    comparison: Comparison,
    sides: { readonly own: number; readonly expr: Expr },
  ): Clause | undefined {
    const { expr } = sides
    const column = this.#keyType(index, position)
    if (keyFit(column, this.#planner.type(sides.own)) === undefined || !this.#isOutside(expr))
      return undefined
    const fit = keyFit(column, this.#planner.type(expr.type))
    return fit === undefined ? undefined : { condition, comparison, part: { expr, fit } }
  }

  #listClause(
    index: Index,
    position: number,
    condition: Extract<Expr, { kind: 'array-compare' }>,
  ): Clause | undefined {
    const operator = this.#planner.functions.operatorByOid(condition.operatorOid)
    if (condition.all || operator?.btree !== '=' || !this.#isKey(index, position, condition.left))
      return undefined
    if (!this.#isOutside(condition.right)) return undefined
    const column = this.#keyType(index, position)
    const { elementOid } = this.#planner.type(condition.right.type)
    const fit = keyFit(column, this.#planner.type(elementOid))
    if (fit === undefined || keyFit(column, this.#planner.type(operator.left)) === undefined) return undefined
    return { condition, comparison: 'list', part: { expr: condition.right, fit } }
  }

  #keyType(index: Index, position: number): Type {
    return this.#planner.type(index.columns[position]?.type ?? 0)
  }

  /** The value is known before the table is read. */
  #isOutside(expr: Expr): boolean {
    return !freeRelations(expr).has(this.#from.id) && isImmediate(expr) && !isVolatile(expr)
  }

  /** Whether the expression is the index's column at this position. */
  #isKey(index: Index, position: number, expr: Expr): boolean {
    const column = index.columns[position]
    if (column === undefined) return false
    if (column.column < 0) {
      if (column.expression === undefined) return false
      return sameExpr(expr, this.#overEntry(column.expression, 'index-expression'))
    }
    const bare = bareColumn(expr)
    return bare?.relation === this.#from.id && this.#from.tableColumns[bare.column] === column.column
  }

  /** A stored expression over this entry's columns. */
  #overEntry(text: string, kind: 'index-expression' | 'index-predicate'): Expr {
    const bound = this.#planner.bindTableExpression(text, this.#table, STORED_RELATION, { kind })
    const { id, tableColumns } = this.#from
    return replace(bound, (one) => {
      if (one.kind !== 'column' || one.relation !== STORED_RELATION) return undefined
      return { ...one, relation: id, column: tableColumns.indexOf(one.column) }
    })
  }

  #impliesPredicate(index: Index, conditions: readonly Expr[]): boolean {
    if (index.predicate === undefined) return true
    const needed = conjunctsOf(this.#overEntry(index.predicate, 'index-predicate'))
    return needed.every((one) =>
      conditions.some((condition) => sameExpr(one, condition) || impliesNotNull(condition, one)),
    )
  }
}

/** A strict comparison on a column implies `column IS NOT NULL`. */
function impliesNotNull(condition: Expr, needed: Expr): boolean {
  if (needed.kind !== 'test' || needed.test !== 'null' || !needed.negated) return false
  if (condition.kind === 'array-compare') return sameExpr(condition.left, needed.arg)
  if (condition.kind !== 'call' || !condition.function.strict || condition.type !== 16) return false
  return condition.args.some((arg) => sameExpr(arg, needed.arg))
}
