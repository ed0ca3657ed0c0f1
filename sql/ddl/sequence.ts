// CREATE and ALTER SEQUENCE. Options are read in sequence-options.ts, values live in catalog/sequence-values.ts.

import type { AlterSeqStmt, CreateSeqStmt, DefElem } from 'libpg-query'
import { must } from '../../storage/base/assert.ts'
import { CATALOG_TREE } from '../../storage/engine/engine.ts'
import type { Sequence } from '../catalog/catalog.ts'
import { sequenceKey } from '../catalog/sequence-values.ts'
import { settled } from '../catalog/wait.ts'
import { SqlError } from '../types/sql-error.ts'
import { checkNameIsFree } from './create-table.ts'
import { namesOf, optionsOf } from './nodes.ts'
import { sequenceFrom } from './sequence-options.ts'
import { type DdlWork, LOCK, qualifiedText, rangeVarOf } from './work.ts'

export async function createSequence(work: DdlWork, statement: CreateSeqStmt): Promise<string> {
  const name = must(statement.sequence)
  const isTemporary = name.relpersistence === 't'
  const schema = await work.creationSchema(name, isTemporary)
  const relname = must(name.relname)
  await work.lockName('relation', schema.oid, relname)
  if (!checkNameIsFree(work, schema, relname, statement.if_not_exists === true)) return 'CREATE SEQUENCE'
  const options = optionsOf(statement.options)
  const numbers = sequenceFrom(work, options, undefined)
  const owner = await ownerFrom(work, options)
  const sequence: Sequence = {
    kind: 'sequence',
    oid: await work.newOid(),
    name: relname,
    schemaOid: schema.oid,
    ownerOid: work.roleOid,
    acl: work.defaultAcl(schema.oid, 'S'),
    persistence: isTemporary ? 'temporary' : name.relpersistence === 'u' ? 'unlogged' : 'permanent',
    ...numbers,
    ownedByTable: owner?.table ?? 0,
    ownedByColumn: owner?.column ?? 0,
    generation: await work.newOid(),
  }
  if (owner !== undefined) checkOwner(work, sequence, owner.table)
  await work.put(sequence)
  return 'CREATE SEQUENCE'
}

interface Owner {
  readonly table: number
  readonly column: number
}

/** OWNED BY: undefined when it was not said; 0 and 0 for NONE. */
async function ownerFrom(work: DdlWork, options: readonly DefElem[]): Promise<Owner | undefined> {
  const option = options.find((item) => item.defname === 'owned_by')
  if (option === undefined) return undefined
  const names = namesOf(option.arg)
  if (names.length === 1) {
    if (names[0] === 'none') return { table: 0, column: 0 }
    throw work.error('42601', 'invalid OWNED BY option', option.location, {
      hint: 'Specify OWNED BY table.column or OWNED BY NONE.',
    })
  }
  const tableName = names.slice(0, -1)
  const column = names.at(-1) ?? ''
  const relation = await work.relation(rangeVarOf(tableName), LOCK.accessShare)
  if (relation.kind !== 'table') {
    throw new SqlError('42809', `sequence cannot be owned by relation "${relation.name}"`)
  }
  const found = relation.columns.find((item) => item.name === column && !item.isDropped)
  if (found === undefined) {
    throw new SqlError('42703', `column "${column}" of relation "${relation.name}" does not exist`)
  }
  return { table: relation.oid, column: found.number }
}

function checkOwner(work: DdlWork, sequence: Sequence, tableOid: number): void {
  if (tableOid === 0) return
  const table = work.table(tableOid)
  if (table.ownerOid !== sequence.ownerOid) {
    throw new SqlError('55000', 'sequence must have same owner as table it is linked to')
  }
  if (table.schemaOid !== sequence.schemaOid) {
    throw new SqlError('55000', 'sequence must be in same schema as table it is linked to')
  }
}

export async function alterSequence(work: DdlWork, statement: AlterSeqStmt): Promise<string> {
  const name = must(statement.sequence)
  const relation = await work.lockRelation(name, LOCK.shareRowExclusive)
  if (relation === undefined) {
    if (statement.missing_ok !== true) throw work.undefinedRelation(name)
    work.notice(`relation "${qualifiedText(name)}" does not exist, skipping`)
    return 'ALTER SEQUENCE'
  }
  if (relation.kind !== 'sequence') throw new SqlError('42809', `"${relation.name}" is not a sequence`)
  work.checkOwner('sequence', relation)
  await changeSequence(work, relation, optionsOf(statement.options))
  return 'ALTER SEQUENCE'
}

/** Applies ALTER's options to a sequence that is locked. */
export async function changeSequence(
  work: DdlWork,
  sequence: Sequence,
  options: readonly DefElem[],
): Promise<void> {
  const numbers = sequenceFrom(work, options, sequence)
  const owner = await ownerFrom(work, options)
  if (owner !== undefined && isIdentity(work, sequence)) {
    throw new SqlError('55000', 'cannot change ownership of identity sequence', {
      detail: `Sequence "${sequence.name}" is linked to table "${work.table(sequence.ownedByTable).name}".`,
    })
  }
  const isRestart = options.some((option) => option.defname === 'restart')
  const now = await settled(() => work.context.database.sequences.current(sequence))
  if (!isRestart) checkCurrent(numbers, BigInt(now.last))
  const changed: Sequence = {
    ...sequence,
    ...numbers,
    initial: isRestart ? numbers.initial : { value: now.last, isCalled: now.isCalled },
    generation: await work.newOid(),
    ownedByTable: owner?.table ?? sequence.ownedByTable,
    ownedByColumn: owner?.column ?? sequence.ownedByColumn,
  }
  if (owner !== undefined) checkOwner(work, changed, owner.table)
  await replaceGeneration(work, sequence, changed)
}

function isIdentity(work: DdlWork, sequence: Sequence): boolean {
  const table = work.catalog.relation(sequence.ownedByTable)
  if (table?.kind !== 'table') return false
  return table.columns.find((column) => column.number === sequence.ownedByColumn)?.identity !== undefined
}

function checkCurrent(numbers: Pick<Sequence, 'min' | 'max'>, last: bigint): void {
  if (last < BigInt(numbers.min)) {
    throw new SqlError('22023', `RESTART value (${last}) cannot be less than MINVALUE (${numbers.min})`)
  }
  if (last > BigInt(numbers.max)) {
    throw new SqlError('22023', `RESTART value (${last}) cannot be greater than MAXVALUE (${numbers.max})`)
  }
}

/** TRUNCATE ... RESTART IDENTITY: back to the start value. */
export async function restartSequence(work: DdlWork, sequence: Sequence): Promise<void> {
  const generation = await work.newOid()
  await replaceGeneration(work, sequence, {
    ...sequence,
    initial: { value: sequence.start, isCalled: false },
    generation,
  })
}

/** Puts the changed sequence and forgets the old generation's value cell. */
async function replaceGeneration(work: DdlWork, old: Sequence, changed: Sequence): Promise<void> {
  await work.put(changed)
  const key = sequenceKey(old.oid, old.generation)
  await settled(() => work.transaction.lock(CATALOG_TREE, key, 'update', 'wait'))
  work.transaction.delete(CATALOG_TREE, key, work.execution().commandId)
}
