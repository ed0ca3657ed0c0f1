// The state of analysing one statement: what it may look at, the numbers it hands out, and its parameters.
//
//   AnalysisContext (catalog, search path, settings) ─┐
//   statement's text ─────────────────────────────────┼─▶ Analysis ──shared by──▶ Scope of each query level
//   declared parameter types ─────────────────────────┘
//
// Parameters. A `$n` of unknown type takes the type of the first context that needs one. Lifted literals (parse/lift.ts)
// are parameters too, but behave as the literal they stand for: numbers have their type from the start, strings are
// unknown literals, each converted once. Whatever cannot be decided that way throws NotLiftable, and the statement is
// analysed again with its literals in place.

import { assert } from '../../storage/base/assert.ts'
import type { Catalog } from '../catalog/catalog.ts'
import type { FunctionRegistry } from '../functions/function.ts'
import type { SourceText } from '../parse/source-text.ts'
import type { Expr, ParameterExpr, RelationId } from '../tree/expr.ts'
import type { CteId } from '../tree/query.ts'
import { INT4_OID, INT8_OID, NUMERIC_OID, UNKNOWN_OID } from '../types/oids.ts'
import { SqlError, type SqlErrorFields } from '../types/sql-error.ts'
import type { Type, TypeContext } from '../types/type.ts'
import { formatType } from './format-type.ts'

/** What analysis depends on beside the statement. */
export interface AnalysisContext {
  readonly catalog: Catalog
  /** Oids of the schemas that names are looked up in, in order; pg_catalog (and the temporary schema) included. */
  readonly searchPath: readonly number[]
  /** Settings that conversion of literals depends on. */
  readonly typeContext: TypeContext
  /** Declared parameter types; 0 or absent: to be inferred. */
  readonly parameterTypes: readonly number[]
  /** For a lifted statement: one letter a parameter, see lift.ts. */
  readonly liftedKinds?: string | undefined
}

/** A lifted literal cannot be treated as its literal would be: analyse the original text instead. */
export class NotLiftable extends Error {
  override readonly name = 'NotLiftable'
}

const LIFTED_TYPES: Readonly<Record<string, number>> = {
  i: INT4_OID,
  l: INT8_OID,
  n: NUMERIC_OID,
  s: UNKNOWN_OID,
}

/** Numbers unique in one analysed statement, views included. */
class Numbers {
  relation = 0
  cte = 0
  /** Query depth that each relation id belongs to, by id. */
  readonly depths: number[] = []
}

export class Analysis {
  readonly context: AnalysisContext
  readonly catalog: Catalog
  readonly functions: FunctionRegistry
  readonly source: SourceText
  /** Types of parameters, 0 while unknown; grows as parameters are met. */
  readonly parameterTypes: number[]
  /** Parameters used without a type so far: each must find one before the end. */
  readonly #untyped = new Set<ParameterExpr>()
  readonly #numbers: Numbers
  /** Views being expanded around this text. */
  readonly viewDepth: number
  dependsOnSettings = false
  dependsOnClock = false
  readonly #outer: Analysis | undefined

  constructor(context: AnalysisContext, source: SourceText, outer?: Analysis) {
    this.context = context
    this.catalog = context.catalog
    this.functions = context.catalog.functions
    this.source = source
    this.#outer = outer
    this.#numbers = outer === undefined ? new Numbers() : outer.#numbers
    this.viewDepth = outer === undefined ? 0 : outer.viewDepth + 1
    this.parameterTypes = outer === undefined ? initialParameterTypes(context) : []
  }

  /** An entry's id; `depth` is the query level it is in, 0 the outermost. */
  newRelation(depth: number): RelationId {
    const id = ++this.#numbers.relation
    this.#numbers.depths[id] = depth
    return id as RelationId
  }

  depthOf(relation: RelationId): number {
    return this.#numbers.depths[relation] ?? 0
  }

  newCte(): CteId {
    return ++this.#numbers.cte as CteId
  }

  type(oid: number): Type {
    const type = this.catalog.type(oid)
    assert(type !== undefined, 'every type oid in a catalog names a type')
    return type
  }

  /** An error at a byte offset of the statement's text (undefined or -1: nowhere). */
  error(code: string, message: string, location?: number, fields: SqlErrorFields = {}): SqlError {
    return new SqlError(code, message, { ...fields, position: this.source.positionOf(location) })
  }

  /** Calls `action`; an SqlError without a position gets this one. */
  at<T>(location: number, action: () => T): T {
    try {
      return action()
    } catch (thrown) {
      if (!(thrown instanceof SqlError) || thrown.fields.position !== undefined) throw thrown
      throw new SqlError(thrown.code, thrown.message, {
        ...thrown.fields,
        position: this.source.positionOf(location),
      })
    }
  }

  /** Notes that a literal was converted by a type whose input depends on settings, and maybe on the clock. */
  noteConversion(text: string): void {
    this.dependsOnSettings = true
    if (/now|today|tomorrow|yesterday/i.test(text)) this.dependsOnClock = true
    this.#outer?.noteConversion(text)
  }

  /** Whether a parameter stands for a string literal. */
  isLiftedString(index: number): boolean {
    return this.context.liftedKinds?.charAt(index) === 's'
  }

  /** The expression of `$number` (1-based) at a location. */
  parameter(number: number, location: number): Expr {
    if (number < 1 || number > 65535) {
      throw this.error('42P02', `there is no parameter $${number}`, location)
    }
    const index = number - 1
    while (this.parameterTypes.length <= index) this.parameterTypes.push(0)
    const known = this.isLiftedString(index) ? 0 : (this.parameterTypes[index] ?? 0)
    const type = known === 0 ? UNKNOWN_OID : known
    if (this.context.catalog.type(type) === undefined)
      throw new SqlError('XX000', `cache lookup failed for type ${type}`)
    const collation = type === UNKNOWN_OID ? 0 : this.collationOf(type)
    const expr: ParameterExpr = { kind: 'parameter', index, type, typmod: -1, collation, location }
    if (type === UNKNOWN_OID) this.#untyped.add(expr)
    return expr
  }

  /** Gives an untyped parameter the type its context wants. */
  resolveParameter(expr: ParameterExpr, type: number): ParameterExpr {
    const known = this.parameterTypes[expr.index] ?? 0
    if (known !== 0 && known !== UNKNOWN_OID && known !== type) {
      if (this.context.liftedKinds !== undefined) throw new NotLiftable()
      const names = [known, type].map((oid) => formatType(this.context, oid))
      throw this.error(
        '42P08',
        `inconsistent types deduced for parameter $${expr.index + 1}`,
        expr.location,
        {
          detail: names.join(' versus '),
        },
      )
    }
    this.parameterTypes[expr.index] = type
    this.#untyped.delete(expr)
    return { ...expr, type, collation: this.collationOf(type) }
  }

  /** The default collation for collatable types, else 0. */
  collationOf(type: number): number {
    return this.type(type).isCollatable ? 100 : 0
  }

  /** Call when everything is analysed: parameters without a type are errors. */
  checkParameters(): void {
    for (const expr of this.#untyped) {
      if (this.context.liftedKinds !== undefined) throw new NotLiftable()
      if (this.parameterTypes[expr.index] === 0) continue
      // Typed elsewhere, but not here.
      throw this.error(
        '42P08',
        `could not determine data type of parameter $${expr.index + 1}`,
        expr.location,
      )
    }
    const missing = this.parameterTypes.indexOf(0)
    if (missing >= 0)
      throw new SqlError('42P18', `could not determine data type of parameter $${missing + 1}`)
  }
}

function initialParameterTypes(context: AnalysisContext): number[] {
  if (context.liftedKinds === undefined) {
    return context.parameterTypes.map((oid) => (oid === UNKNOWN_OID ? 0 : oid))
  }
  return Array.from(context.liftedKinds, (kind) => {
    const type = LIFTED_TYPES[kind]
    assert(type !== undefined, 'a lifted literal is of a known kind')
    return type === UNKNOWN_OID ? 0 : type
  })
}
