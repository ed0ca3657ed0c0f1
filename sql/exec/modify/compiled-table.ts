// What writing to a table needs, compiled once per table descriptor and shared: encoders of keys and rows, constraint
// checks, generated columns, index entries.
//
// Rows here are arrays by table.columns index, dropped columns included (as NULL): "full rows".

import { must } from '../../../storage/base/assert.ts'
import type { Cell } from '../../../storage/engine/engine.ts'
import type { Catalog, Index, Table } from '../../catalog/catalog.ts'
import type { Expr, RelationId } from '../../tree/expr.ts'
import { compileKeyEncoder, type KeyColumn, type KeyEncoder } from '../../types/key-codec.ts'
import type { Row, Value } from '../../types/value.ts'
import { type CompileEnvironment, ExpressionCompiler, type Scope } from '../expression/compiler.ts'
import { childrenOf } from '../expression/walk.ts'
import { unsupported } from '../../types/sql-error.ts'
import type { Runtime } from '../runtime.ts'
import { clusterKeyColumns, keyColumnsOf, rowKeySize } from './index-key.ts'

/** What a stored expression is; defaults and generated columns are converted to their column's type. */
export type StoredPurpose =
  | { readonly kind: 'check' | 'index-expression' | 'index-predicate' }
  | { readonly kind: 'default' | 'generated'; readonly column: number }

/** Binds SQL text that the catalog keeps; see sql/plan/write-environment.ts. */
export interface StoredExpressions {
  /** Over one table's columns: ColumnExpr of `relation`, by table.columns index. */
  bindTableExpression(text: string, table: Table, relation: RelationId, purpose: StoredPurpose): Expr
}

export interface WriteEnvironment extends CompileEnvironment, StoredExpressions {
  readonly catalog: Catalog
}

/** The relation id that stored expressions are bound under. */
export const STORED_RELATION: RelationId = 1 as RelationId

type RowFunction = (rt: Runtime, r: Row) => Value

export interface CompiledIndex {
  readonly index: Index
  readonly keyColumns: readonly KeyColumn[]
  /** Values of the key columns of a full row. */
  readonly values: (rt: Runtime, r: Row) => Row
  readonly encode: KeyEncoder
  /** Whether the row belongs to the (partial) index. */
  readonly includes: RowFunction | undefined
  /** Columns of the table that its keys or predicate depend on. */
  readonly dependsOn: ReadonlySet<number>
  /** Kept as unique keys in the tree, checked at once. Deferrable ones are checked later, by scanning. */
  readonly isStrict: boolean
}

export class CompiledTable {
  readonly table: Table
  readonly environment: WriteEnvironment
  /** Encodes the row key of a full row; undefined: hidden row ids. */
  readonly encodeRowKey: ((row: Row, writer: Parameters<KeyEncoder>[1]) => void) | undefined
  readonly rowKeySize: number
  /** The index that a clustered row key is the key of. */
  readonly clustered: Index | undefined
  /** Secondary indexes. */
  readonly indexes: readonly CompiledIndex[]
  /** Fills generated columns in. */
  readonly generate: ((rt: Runtime, r: Row) => void) | undefined
  /** Index of the first column that is NULL and must not be, or -1. */
  readonly firstNull: (r: Row) => number
  /** Name of the first CHECK that is false, or undefined. */
  readonly failedCheck: ((rt: Runtime, r: Row) => string | undefined) | undefined
  /** A full row from a cell. */
  readonly decode: (cell: Cell) => Row
  /** A full row in the order that the codec encodes. */
  readonly toLayout: (row: Row) => Row

  constructor(table: Table, environment: WriteEnvironment) {
    this.table = table
    this.environment = environment
    const type = (oid: number): ReturnType<WriteEnvironment['type']> => environment.type(oid)
    this.clustered = table.indexes.find((index) => index.isClustered)
    this.encodeRowKey = table.clusterKey === undefined ? undefined : this.#rowKeyEncoder(table.clusterKey)
    this.rowKeySize = rowKeySize(table, type)
    this.indexes = table.indexes
      .filter((index) => !index.isClustered)
      .map((index) => this.#compileIndex(index))
    this.generate = this.#compileGenerated()
    this.firstNull = compileFirstNull(table)
    this.failedCheck = this.#compileChecks()
    const stored = must(table.layouts.at(-1)).columns
    const isPlain = stored.length === table.columns.length && stored.every((column, i) => column === i)
    this.toLayout = isPlain ? (row) => row : (row) => stored.map((column) => row[column] ?? null)
    this.decode = compileFullDecoder(table)
  }

  /** An expression over the full row `r`. */
  compiler(): ExpressionCompiler {
    return new ExpressionCompiler(this.environment, new FullRowScope(this.table))
  }

  /** A column's default, converted to its type; undefined: none (NULL). */
  bindDefault(column: number): Expr | undefined {
    const found = must(this.table.columns[column])
    const { type, sequenceOid } = found
    if (found.identity !== undefined)
      return { kind: 'next-value', sequenceOid, type, typmod: -1, collation: 0, location: -1 }
    const text = found.default ?? this.environment.catalog.typeEntry(type)?.domain?.default
    return text === undefined ? undefined : this.#bind(text, { kind: 'default', column })
  }

  #bind(text: string, purpose: StoredPurpose): Expr {
    return this.environment.bindTableExpression(text, this.table, STORED_RELATION, purpose)
  }

  #rowKeyEncoder(clusterKey: readonly number[]): (row: Row, writer: Parameters<KeyEncoder>[1]) => void {
    const columns = clusterKeyColumns(this.table, (oid) => this.environment.type(oid))
    const encode = compileKeyEncoder(columns)
    const [first] = clusterKey
    const scratch: Row = clusterKey.map(() => null)
    if (first !== undefined && clusterKey.length === 1) {
      return (row, writer) => {
        scratch[0] = row[first] as Value
        encode(scratch, writer)
      }
    }
    return (row, writer) => {
      for (let i = 0; i < clusterKey.length; i++) scratch[i] = row[clusterKey[i] as number] as Value
      encode(scratch, writer)
    }
  }

  #compileIndex(index: Index): CompiledIndex {
    const keyColumns = keyColumnsOf(index, (oid) => this.environment.type(oid))
    const compiler = this.compiler()
    const dependsOn = new Set<number>()
    const sources = index.columns.map((column) => {
      if (column.column >= 0) {
        dependsOn.add(column.column)
        return `r[${column.column}]`
      }
      const expr = this.#bind(must(column.expression), { kind: 'index-expression' })
      addColumns(expr, dependsOn)
      return compiler.value(expr).source
    })
    const values = compiler.builder.build<CompiledIndex['values']>('rt, r', `return [${sources.join(', ')}]`)
    let includes: RowFunction | undefined
    if (index.predicate !== undefined) {
      const predicate = this.#bind(index.predicate, { kind: 'index-predicate' })
      addColumns(predicate, dependsOn)
      const inner = this.compiler()
      includes = inner.builder.build<RowFunction>('rt, r', `return ${inner.condition(predicate)}`)
    }
    const isStrict = index.unique && !index.deferrable
    return { index, keyColumns, values, encode: compileKeyEncoder(keyColumns), includes, dependsOn, isStrict }
  }

  #compileGenerated(): ((rt: Runtime, r: Row) => void) | undefined {
    const generated = this.table.columns.flatMap((column, i) =>
      column.generated && !column.isDropped ? [i] : [],
    )
    if (generated.length === 0) return undefined
    const compiler = this.compiler()
    const lines = generated.map((i) => {
      const text = must(this.table.columns[i]?.default, 'a generated column has an expression')
      return `r[${i}] = ${compiler.value(this.#bind(text, { kind: 'generated', column: i })).source}`
    })
    return compiler.builder.build('rt, r', lines.join('\n'))
  }

  #compileChecks(): ((rt: Runtime, r: Row) => string | undefined) | undefined {
    const checks = [...this.table.checks].sort((a, b) => (a.name < b.name ? -1 : 1))
    if (checks.length === 0) return undefined
    const compiler = this.compiler()
    const lines = checks.map((check) => {
      const { source } = compiler.value(this.#bind(check.expression, { kind: 'check' }))
      return `if ((${source}) === false) return ${compiler.builder.bind(check.name)}`
    })
    return compiler.builder.build('rt, r', `${lines.join('\n')}\nreturn undefined`)
  }
}

/** Columns of full rows: `r[i]`. Stored expressions have no subqueries. */
class FullRowScope implements Scope {
  readonly #table: Table

  constructor(table: Table) {
    this.#table = table
  }

  column(expr: Parameters<Scope['column']>[0]): ReturnType<Scope['column']> {
    if (expr.kind === 'column' && expr.column >= 0)
      return { source: `r[${expr.column}]`, nullable: true, simple: false }
    if (expr.kind === 'column' && expr.column === -6) {
      return { source: String(this.#table.oid), nullable: false, simple: true }
    }
    throw unsupported('a system column or whole row in a stored expression')
  }

  subquery(): never {
    throw unsupported('a subquery in a stored expression')
  }
}

function addColumns(expr: Expr, into: Set<number>): void {
  if (expr.kind === 'column') into.add(expr.column)
  for (const child of childrenOf(expr)) addColumns(child, into)
}

function compileFirstNull(table: Table): (r: Row) => number {
  const tests = table.columns.flatMap((column, i) =>
    column.notNull && !column.isDropped ? [`if (r[${i}] === null) return ${i}`] : [],
  )
  // eslint-disable-next-line no-new-func
  return new Function('r', `${tests.join('\n')}\nreturn -1`) as (r: Row) => number
}

function compileFullDecoder(table: Table): (cell: Cell) => Row {
  const live = table.columns.flatMap((column, i) => (column.isDropped ? [] : [i]))
  const decode = table.codec.compileDecoder(live.map((i) => must(table.columns[i]).number))
  if (live.length === table.columns.length) return decode
  return (cell) => {
    const values = decode(cell)
    const row: Row = table.columns.map(() => null)
    live.forEach((column, i) => {
      row[column] = values[i] ?? null
    })
    return row
  }
}

const cache = new WeakMap<Catalog, Map<number, CompiledTable>>()

/** The compiled form of a table, made once per catalog snapshot. */
export function compileTable(table: Table, environment: WriteEnvironment): CompiledTable {
  let tables = cache.get(environment.catalog)
  if (tables === undefined) {
    tables = new Map()
    cache.set(environment.catalog, tables)
  }
  let compiled = tables.get(table.oid)
  if (compiled === undefined || compiled.table !== table) {
    compiled = new CompiledTable(table, environment)
    tables.set(table.oid, compiled)
  }
  return compiled
}
