// A domain got stricter: do the values that tables hold obey?

import { must } from '../../storage/base/assert.ts'
import type { DomainInfo, Table } from '../catalog/catalog.ts'
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
  const tables = [...work.catalog.relations()].filter(
    (relation) => relation.kind === 'table' && !relation.isCompositeType && relation.virtual === undefined,
  ) as Table[]
  for (const table of tables) refuseParts(work, table, stored)
  for (const relation of tables) {
    for (const column of relation.columns) {
      if (column.isDropped || !isBasedOn(work, column.type, stored.oid)) continue
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

/** Elements of arrays and fields of rows are not looked at: 0A000 when a table has some, as in PostgreSQL. */
function refuseParts(work: DdlWork, table: Table, stored: StoredType): void {
  for (const column of table.columns) {
    if (column.isDropped || !uses(work, column.type, stored.oid)) continue
    if (isBasedOn(work, column.type, stored.oid)) continue
    const use = `column "${table.name}.${column.name}" uses it`
    throw new SqlError('0A000', `cannot alter type "${stored.name}" because ${use}`)
  }
}

/** Whether the type is the domain, or a domain over it. */
function isBasedOn(work: DdlWork, type: number, domain: number): boolean {
  if (type === domain) return true
  const { kind, baseOid } = must(work.catalog.type(type))
  return kind === 'domain' && isBasedOn(work, baseOid, domain)
}

/** Whether values of the type may have values of the domain in them. */
function uses(work: DdlWork, type: number, domain: number): boolean {
  if (type === domain) return true
  const { kind, baseOid, elementOid } = must(work.catalog.type(type))
  if (kind === 'domain') return uses(work, baseOid, domain)
  if (kind === 'array') return uses(work, elementOid, domain)
  if (kind !== 'composite') return false
  const relation = work.catalog.relation(must(work.catalog.typeEntry(type)).relationOid)
  if (relation?.kind !== 'table' && relation?.kind !== 'view') return false
  return relation.columns.some((column) => !column.isDropped && uses(work, column.type, domain))
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
