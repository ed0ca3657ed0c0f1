// ALTER TABLE: constraints are added (with a look at the rows), dropped, validated and changed.

import type { AlterTableCmd } from 'libpg-query'
import { must } from '../../storage/base/assert.ts'
import { CLASS_OID } from '../catalog/bootstrap.ts'
import type { CheckConstraint, Table } from '../catalog/catalog.ts'
import { addressOf } from '../catalog/dependencies.ts'
import { CompiledTable } from '../exec/modify/compiled-table.ts'
import { checkError } from '../exec/modify/constraint-error.ts'
import { Runtime } from '../exec/runtime.ts'
import { nodeAs } from '../parse/ast.ts'
import { SqlError } from '../types/sql-error.ts'
import { type ConstraintDraft, draftConstraint } from './column-draft.ts'
import { addCheck } from './create-table.ts'
import { planDrop } from './drop-plan.ts'
import { writeEnvironment } from './expressions.ts'
import { addForeignKey } from './foreign-key.ts'
import { checkForeignKeyRows } from './foreign-key-check.ts'
import { addKeyConstraint } from './key-constraint.ts'
import { removeObjects } from './removal.ts'
import { scanTable } from './table-scan.ts'
import type { DdlWork } from './work.ts'

export async function addConstraint(work: DdlWork, table: Table, command: AlterTableCmd): Promise<void> {
  await addConstraintDraft(work, table, draftConstraint(work, must(nodeAs(command.def, 'Constraint'))))
}

export async function addConstraintDraft(work: DdlWork, table: Table, draft: ConstraintDraft): Promise<void> {
  switch (draft.kind) {
    case 'check': {
      const check = await addCheck(work, table.oid, draft, !draft.skipValidation)
      if (!draft.skipValidation) await checkRows(work, work.table(table.oid), check)
      return
    }
    case 'foreign':
      await addForeignKey(work, table.oid, draft)
      return
    case 'primary':
    case 'unique':
      await addKeyConstraint(work, table.oid, draft)
  }
}

/** 23514 when a row contradicts the constraint. */
async function checkRows(work: DdlWork, table: Table, check: CheckConstraint): Promise<void> {
  const compiled = new CompiledTable(
    { ...table, checks: [check], indexes: [], clusterKey: undefined },
    writeEnvironment(work),
  )
  const { failedCheck } = compiled
  if (failedCheck === undefined) return
  const runtime = new Runtime(work.execution(), 0)
  await scanTable(work, table, (cell) => {
    const row = compiled.decode(cell)
    if (failedCheck(runtime, row) === undefined) return
    const { fields } = checkError(compiled, row, check.name, work.functions)
    throw new SqlError(
      '23514',
      `check constraint "${check.name}" of relation "${table.name}" is violated by some row`,
      {
        ...fields,
        detail: undefined,
      },
    )
  })
}

interface FoundConstraint {
  readonly oid: number
  readonly kind: 'check' | 'foreign' | 'key'
}

function findConstraint(table: Table, name: string): FoundConstraint | undefined {
  const check = table.checks.find((item) => item.name === name)
  if (check !== undefined) return { oid: check.oid, kind: 'check' }
  const key = table.foreignKeys.find((item) => item.name === name)
  if (key !== undefined) return { oid: key.oid, kind: 'foreign' }
  const index = table.indexes.find((item) => item.name === name && item.constraintOid !== 0)
  return index === undefined ? undefined : { oid: index.constraintOid, kind: 'key' }
}

function constraintNamed(table: Table, name: string): FoundConstraint {
  const found = findConstraint(table, name)
  if (found !== undefined) return found
  throw new SqlError('42704', `constraint "${name}" of relation "${table.name}" does not exist`)
}

export async function dropConstraint(work: DdlWork, table: Table, command: AlterTableCmd): Promise<void> {
  const name = command.name ?? ''
  if (findConstraint(table, name) === undefined && command.missing_ok === true) {
    work.notice(`constraint "${name}" of relation "${table.name}" does not exist, skipping`)
    return
  }
  const target = addressOf(CLASS_OID.pg_constraint, constraintNamed(table, name).oid)
  await removeObjects(
    work,
    planDrop(work, [target], command.behavior === 'DROP_CASCADE' ? 'cascade' : 'restrict'),
  )
}

export async function validateConstraint(work: DdlWork, table: Table, command: AlterTableCmd): Promise<void> {
  const found = constraintNamed(table, command.name ?? '')
  const stored = work.storedTable(table.oid)
  if (found.kind === 'key') {
    throw new SqlError(
      '42809',
      `constraint "${command.name}" of relation "${table.name}" is not a foreign key or check constraint`,
    )
  }
  if (found.kind === 'check') {
    const check = must(stored.checks.find((item) => item.oid === found.oid))
    if (check.validated) return
    await checkRows(work, table, check)
    const checks = stored.checks.map((item) => (item === check ? { ...check, validated: true } : item))
    await work.put({ ...stored, checks })
    return
  }
  const key = must(stored.foreignKeys.find((item) => item.oid === found.oid))
  if (key.validated) return
  await checkForeignKeyRows(work, table, key)
  const foreignKeys = stored.foreignKeys.map((item) => (item === key ? { ...key, validated: true } : item))
  await work.put({ ...stored, foreignKeys })
}

export async function alterConstraint(work: DdlWork, table: Table, command: AlterTableCmd): Promise<void> {
  const constraint = must(nodeAs(command.def, 'Constraint'))
  const found = constraintNamed(table, constraint.conname ?? '')
  if (found.kind !== 'foreign') {
    throw new SqlError(
      '42809',
      `constraint "${constraint.conname}" of relation "${table.name}" is not a foreign key constraint`,
    )
  }
  const deferrable = constraint.deferrable === true
  const initiallyDeferred = constraint.initdeferred === true
  const stored = work.storedTable(table.oid)
  const foreignKeys = stored.foreignKeys.map((key) =>
    key.oid === found.oid ? { ...key, deferrable, initiallyDeferred } : key,
  )
  await work.put({ ...stored, foreignKeys })
}
