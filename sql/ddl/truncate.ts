// TRUNCATE: tables and their indexes get fresh trees. Nothing is read, whatever the size; older read points go on seeing
// the old trees.

import type { TruncateStmt } from 'libpg-query'
import { must } from '../../storage/base/assert.ts'
import type { Table } from '../catalog/catalog.ts'
import { nodeAs } from '../parse/ast.ts'
import { SqlError } from '../types/sql-error.ts'
import { restartSequence } from './sequence.ts'
import { isTableEmpty } from './table-scan.ts'
import { type DdlWork, LOCK } from './work.ts'

export async function truncateTables(work: DdlWork, statement: TruncateStmt): Promise<string> {
  const chosen = new Map<number, Table>()
  for (const node of statement.relations ?? []) {
    const name = must(nodeAs(node, 'RangeVar'))
    const relation = await work.relation(name, LOCK.accessExclusive)
    if (relation.kind !== 'table' || relation.isCompositeType) {
      throw new SqlError('42809', `"${relation.name}" is not a table`)
    }
    work.checkNotSystem(relation)
    work.checkPrivilege('table', relation, 'D')
    chosen.set(relation.oid, relation)
  }
  if (statement.behavior === 'DROP_CASCADE') await addReferring(work, chosen)
  else refuseReferenced(work, chosen)
  await emptyTables(work, [...chosen.keys()], statement.restart_seqs === true)
  return 'TRUNCATE TABLE'
}

async function addReferring(work: DdlWork, chosen: Map<number, Table>): Promise<void> {
  for (const table of chosen.values()) {
    for (const key of table.referencedBy) {
      if (chosen.has(key.tableOid)) continue
      await work.lockTable(key.tableOid, LOCK.accessExclusive)
      const child = work.table(key.tableOid)
      work.notice(`truncate cascades to table "${child.name}"`)
      work.checkPrivilege('table', child, 'D')
      chosen.set(child.oid, child)
    }
  }
}

function refuseReferenced(work: DdlWork, chosen: ReadonlyMap<number, Table>): void {
  for (const table of chosen.values()) {
    const key = table.referencedBy.find((item) => !chosen.has(item.tableOid))
    if (key === undefined) continue
    const child = work.table(key.tableOid)
    throw new SqlError('0A000', 'cannot truncate a table referenced in a foreign key constraint', {
      detail: `Table "${child.name}" references "${table.name}".`,
      hint: `Truncate table "${child.name}" at the same time, or use TRUNCATE ... CASCADE.`,
    })
  }
}

/** Gives tables that are locked fresh trees; an empty one is left as it is. */
export async function emptyTables(work: DdlWork, oids: readonly number[], restart: boolean): Promise<void> {
  const { transaction } = work
  for (const oid of oids) {
    const table = work.table(oid)
    if (!(await isTableEmpty(work, table))) {
      const tree = transaction.createTree()
      transaction.dropTree(table.tree)
      await work.put({ ...work.storedTable(oid), tree })
      for (const index of table.indexes) {
        if (!index.isClustered) transaction.dropTree(index.tree)
        await work.put({ ...index, tree: index.isClustered ? tree : transaction.createTree() })
      }
    }
    if (!restart) continue
    for (const relation of work.catalog.relations()) {
      if (relation.kind === 'sequence' && relation.ownedByTable === oid) await restartSequence(work, relation)
    }
  }
}
