// Where DDL meets analysis: expressions of defaults, checks, indexes and views are bound here, made canonical text, and
// looked through for what they depend on. Everything DDL asks of sql/analyze and sql/deparse goes through this file.

import type { Node } from 'libpg-query'
import type { Dependency, Table } from '../catalog/catalog.ts'
import type { WriteEnvironment } from '../exec/modify/compiled-table.ts'
import { unsupported } from '../types/sql-error.ts'
import type { DdlWork } from './work.ts'

/** An expression as the catalog keeps it. */
export interface CookedExpression {
  readonly text: string
  readonly dependencies: readonly Dependency[]
  readonly columnNames: readonly string[]
}

export function bindDefault(
  work: DdlWork,
  table: Table,
  index: number,
  source: Node | string,
  generated: boolean,
): CookedExpression | undefined {
  void [work, table, index, source, generated]
  throw unsupported('DEFAULT')
}

export function bindCheck(work: DdlWork, table: Table, source: Node | string, column: string | undefined): CookedExpression {
  void [work, table, source, column]
  throw unsupported('CHECK')
}

export interface IndexExpression extends CookedExpression {
  /** The expression was nothing but this column. */
  readonly column: number | undefined
  readonly type: number
  readonly collation: number
  /** What an index name calls it: the function's name, or expr. */
  readonly label: string
}

export function bindIndexExpression(work: DdlWork, table: Table, node: Node): IndexExpression {
  void [work, table, node]
  throw unsupported('index expressions')
}

export function bindIndexPredicate(work: DdlWork, table: Table, node: Node): CookedExpression {
  void [work, table, node]
  throw unsupported('partial indexes')
}

/** What compiled writers need of the catalog that this transaction sees. */
export function writeEnvironment(work: DdlWork): WriteEnvironment {
  const { catalog } = work
  return {
    catalog,
    functions: catalog.functions,
    type: (oid) => catalog.type(oid) ?? fail(),
    domain: () => undefined,
    bindTableExpression: () => fail(),
  }
}

function fail(): never {
  throw unsupported('expressions')
}
