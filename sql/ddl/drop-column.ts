// ALTER TABLE DROP COLUMN, with what depends on the column.

import type { AlterTableCmd } from 'libpg-query'
import { must } from '../../storage/base/assert.ts'
import { CLASS_OID } from '../catalog/bootstrap.ts'
import type { Table } from '../catalog/catalog.ts'
import { addressOf } from '../catalog/dependencies.ts'
import { SqlError } from '../types/sql-error.ts'
import { planDrop } from './drop-plan.ts'
import { removeObjects } from './removal.ts'
import { refuseUsedRowType } from './row-type-use.ts'
import type { DdlWork } from './work.ts'

export async function dropColumn(work: DdlWork, table: Table, command: AlterTableCmd): Promise<void> {
  const name = command.name ?? ''
  const column = table.columns.find((item) => item.name === name && !item.isDropped)
  if (column === undefined) {
    if (command.missing_ok !== true) {
      throw new SqlError('42703', `column "${name}" of relation "${table.name}" does not exist`)
    }
    work.notice(`column "${name}" of relation "${table.name}" does not exist, skipping`)
    return
  }
  refuseUsedRowType(work, table)
  const target = addressOf(CLASS_OID.pg_class, table.oid, must(column).number)
  await removeObjects(
    work,
    planDrop(work, [target], command.behavior === 'DROP_CASCADE' ? 'cascade' : 'restrict'),
  )
}
