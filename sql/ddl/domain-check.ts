// A domain got stricter: do the values that tables hold obey?

import type { DomainInfo } from '../catalog/catalog.ts'
import type { StoredType } from '../catalog/stored-objects.ts'
import { ExpressionCompiler } from '../exec/expression/compiler.ts'
import { Runtime } from '../exec/runtime.ts'
import { SqlError, unsupported } from '../types/sql-error.ts'
import type { Value } from '../types/value.ts'
import { writeEnvironment } from './expressions.ts'
import { scanTable } from './table-scan.ts'
import { type DdlWork, LOCK } from './work.ts'

/** 23502 or 23514 when a column of the domain holds a value that the changed domain refuses. */
export async function checkDomainRows(work: DdlWork, stored: StoredType, domain: DomainInfo): Promise<void> {
  for (const relation of work.catalog.relations()) {
    if (relation.kind !== 'table' || relation.isCompositeType || relation.virtual !== undefined) continue
    for (const column of relation.columns) {
      if (column.isDropped || column.type !== stored.oid) continue
      await work.lockTable(relation.oid, LOCK.share)
      const read = relation.codec.compileColumnReader(column.number)
      const test = await domainTest(work, stored, domain)
      const schema = work.catalog.schema(relation.schemaOid)?.name
      const fields = { schema, table: relation.name, column: column.name }
      const where = `column "${column.name}" of table "${relation.name}"`
      await scanTable(work, relation, (cell) => {
        const failed = test(read(cell))
        if (failed === 'null') throw new SqlError('23502', `${where} contains null values`, fields)
        if (failed === 'check') {
          throw new SqlError('23514', `${where} contains values that violate the new constraint`, fields)
        }
      })
    }
  }
}

/** Tests one value against the changed domain: its checks are bound through a catalog that has them. */
async function domainTest(
  work: DdlWork,
  stored: StoredType,
  domain: DomainInfo,
): Promise<(value: Value) => 'null' | 'check' | undefined> {
  await work.put({ ...stored, domain })
  const environment = writeEnvironment(work)
  const rules = environment.domain(stored.oid)
  const runtime = new Runtime(work.execution(), 0)
  const compiler = new ExpressionCompiler(environment, {
    column: () => {
      throw unsupported('a column in a domain constraint')
    },
    subquery: () => {
      throw unsupported('a subquery in a domain constraint')
    },
  })
  compiler.elements.push({ source: 'v', nullable: true, simple: true })
  const checks = (rules?.checks ?? []).map(({ expr }) => `(${compiler.value(expr).source}) !== false`)
  const source = checks.length === 0 ? 'return true' : `return ${checks.join(' && ')}`
  const passes = compiler.builder.build<(rt: Runtime, v: Value) => boolean>('rt, v', source)
  return (value) => {
    if (value === null && rules?.notNull === true) return 'null'
    return passes(runtime, value) ? undefined : 'check'
  }
}
