// The rules of domains as functions, for values that are read as parts of arrays and rows: what is converted to a domain
// by itself is checked by its expression (domain-check). Compiled once for each version of the catalog.

import type { Catalog } from '../catalog/catalog.ts'
import { compileDomainCheck } from '../exec/expression/compile-compound.ts'
import { ExpressionCompiler } from '../exec/expression/compiler.ts'
import type { Runtime } from '../exec/runtime.ts'
import type { FunctionContext } from '../functions/function.ts'
import { writeEnvironment } from '../plan/write-environment.ts'
import { unsupported } from '../types/sql-error.ts'
import type { Value } from '../types/value.ts'

type Check = (rt: Runtime, value: Value) => Value

export class DomainChecks {
  readonly #checks = new Map<number, Check>()
  #version: string | undefined

  /** @throws SqlError 23502 or 23514 when the domain refuses the value. */
  check(catalog: Catalog, functions: FunctionContext, oid: number, value: Value): void {
    if (this.#version !== catalog.version) {
      this.#checks.clear()
      this.#version = catalog.version
    }
    let check = this.#checks.get(oid)
    if (check === undefined) {
      check = compileCheck(catalog, functions, oid)
      this.#checks.set(oid, check)
    }
    check({ functions } as Runtime, value)
  }
}

function compileCheck(catalog: Catalog, functions: FunctionContext, oid: number): Check {
  const refuse = (): never => {
    throw unsupported('a column or a subquery in a domain constraint')
  }
  const compiler = new ExpressionCompiler(writeEnvironment({ catalog, functions }), {
    column: refuse,
    subquery: refuse,
  })
  const { source } = compileDomainCheck(compiler, oid, { source: 'v', nullable: true, simple: true })
  return compiler.builder.build<Check>('rt, v', `return ${source}`)
}
