// ALTER TABLE ... ALTER COLUMN: defaults, NOT NULL, identity, generation expressions.

import type { AlterTableCmd } from 'libpg-query'
import { must } from '../../storage/base/assert.ts'
import type { Column, Table } from '../catalog/catalog.ts'
import { nodeAs } from '../parse/ast.ts'
import { SqlError } from '../types/sql-error.ts'
import { bindDefault } from './expressions.ts'
import { setColumnsNotNull } from './key-constraint.ts'
import { optionsOf, optionText } from './nodes.ts'
import { ownedSequence } from './owned-sequence.ts'
import { removeSequence } from './removal.ts'
import { changeSequence } from './sequence.ts'
import { changeColumn, columnIndex } from './table-change.ts'
import type { DdlWork } from './work.ts'

const NO_DEFAULT: Partial<Column> = { default: undefined, defaultOid: 0, defaultDependencies: [] }

function described(table: Table, column: Column): string {
  return `column "${column.name}" of relation "${table.name}"`
}

export async function setDefault(work: DdlWork, table: Table, command: AlterTableCmd): Promise<void> {
  const at = columnIndex(table, command.name ?? '')
  const column = must(table.columns[at])
  if (column.identity !== undefined) {
    throw new SqlError('42601', `${described(table, column)} is an identity column`, {
      hint:
        command.def === undefined ? 'Use ALTER TABLE ... ALTER COLUMN ... DROP IDENTITY instead.' : undefined,
    })
  }
  if (column.generated) {
    throw new SqlError('42601', `${described(table, column)} is a generated column`, {
      hint:
        command.def === undefined
          ? 'Use ALTER TABLE ... ALTER COLUMN ... DROP EXPRESSION instead.'
          : undefined,
    })
  }
  const cooked = command.def === undefined ? undefined : bindDefault(work, table, at, command.def, false)
  if (cooked === undefined) {
    await changeColumn(work, table.oid, at, NO_DEFAULT)
    return
  }
  const defaultOid = await work.newOid()
  await changeColumn(work, table.oid, at, {
    default: cooked.text,
    defaultOid,
    defaultDependencies: cooked.dependencies,
  })
}

export async function setNotNull(work: DdlWork, table: Table, command: AlterTableCmd): Promise<void> {
  await setColumnsNotNull(work, table.oid, [columnIndex(table, command.name ?? '')])
}

export async function dropNotNull(work: DdlWork, table: Table, command: AlterTableCmd): Promise<void> {
  const at = columnIndex(table, command.name ?? '')
  const column = must(table.columns[at])
  if (column.identity !== undefined)
    throw new SqlError('42601', `${described(table, column)} is an identity column`)
  const isKey = table.indexes.some(
    (index) => index.isPrimary && index.columns.some((key) => key.column === at),
  )
  if (isKey) throw new SqlError('42P16', `column "${column.name}" is in a primary key`)
  if (column.notNull) await changeColumn(work, table.oid, at, { notNull: false })
}

export async function dropExpression(work: DdlWork, table: Table, command: AlterTableCmd): Promise<void> {
  const at = columnIndex(table, command.name ?? '')
  const column = must(table.columns[at])
  if (!column.generated) {
    if (command.missing_ok !== true) {
      throw new SqlError('55000', `${described(table, column)} is not a stored generated column`)
    }
    work.notice(`${described(table, column)} is not a stored generated column, skipping`)
    return
  }
  await changeColumn(work, table.oid, at, { ...NO_DEFAULT, generated: false })
}

export async function addIdentity(work: DdlWork, table: Table, command: AlterTableCmd): Promise<void> {
  const at = columnIndex(table, command.name ?? '')
  const column = must(table.columns[at])
  if (!column.notNull) {
    throw new SqlError(
      '55000',
      `${described(table, column)} must be declared NOT NULL before identity can be added`,
    )
  }
  if (column.identity !== undefined)
    throw new SqlError('55000', `${described(table, column)} is already an identity column`)
  if (column.default !== undefined)
    throw new SqlError('55000', `${described(table, column)} already has a default value`)
  if (![20, 21, 23].includes(column.type)) {
    throw new SqlError('22023', 'identity column type must be smallint, integer, or bigint')
  }
  const constraint = must(nodeAs(command.def, 'Constraint'))
  await changeColumn(work, table.oid, at, {
    identity: constraint.generated_when === 'd' ? 'by-default' : 'always',
  })
  await ownedSequence(work, table.oid, at, { options: constraint.options ?? [], isSerial: false })
}

export async function setIdentity(work: DdlWork, table: Table, command: AlterTableCmd): Promise<void> {
  const at = columnIndex(table, command.name ?? '')
  const column = must(table.columns[at])
  if (column.identity === undefined)
    throw new SqlError('55000', `${described(table, column)} is not an identity column`)
  const options = optionsOf(nodeAs(command.def, 'List')?.items)
  const generated = options.find((option) => option.defname === 'generated')
  if (generated !== undefined) {
    // The parser gives the letter of GENERATED ALWAYS or BY DEFAULT as a number.
    const letter = String.fromCharCode(Number(optionText(generated)))
    await changeColumn(work, table.oid, at, { identity: letter === 'd' ? 'by-default' : 'always' })
  }
  const rest = options.filter((option) => option !== generated)
  const sequence = work.catalog.relation(column.sequenceOid)
  if (rest.length > 0 && sequence?.kind === 'sequence') await changeSequence(work, sequence, rest)
}

export async function dropIdentity(work: DdlWork, table: Table, command: AlterTableCmd): Promise<void> {
  const at = columnIndex(table, command.name ?? '')
  const column = must(table.columns[at])
  if (column.identity === undefined) {
    if (command.missing_ok !== true)
      throw new SqlError('55000', `${described(table, column)} is not an identity column`)
    work.notice(`${described(table, column)} is not an identity column, skipping`)
    return
  }
  await changeColumn(work, table.oid, at, { identity: undefined, sequenceOid: 0 })
  const sequence = work.catalog.relation(column.sequenceOid)
  if (sequence?.kind === 'sequence') await removeSequence(work, sequence)
}
