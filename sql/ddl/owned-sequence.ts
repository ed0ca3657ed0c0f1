// Sequences of serial and identity columns: made with the column, owned by it, dropped with it.

import type { Node } from 'libpg-query'
import { must } from '../../storage/base/assert.ts'
import { CLASS_OID } from '../catalog/bootstrap.ts'
import type { Sequence } from '../catalog/catalog.ts'
import { SqlError } from '../types/sql-error.ts'
import { namesOf, optionsOf } from './nodes.ts'
import { chooseName } from './object-names.ts'
import { sequenceFrom } from './sequence-options.ts'
import type { DdlWork } from './work.ts'
import { changeColumn } from './table-change.ts'

/** Makes the sequence of column `index` and ties the two together. */
export async function ownedSequence(
  work: DdlWork,
  tableOid: number,
  index: number,
  parts: { readonly options: readonly Node[]; readonly isSerial: boolean },
): Promise<void> {
  const table = work.table(tableOid)
  const column = must(table.columns[index])
  const isTaken = (name: string): boolean => work.catalog.relationByName(table.schemaOid, name) !== undefined
  const chosen = optionsOf(parts.options).find((option) => option.defname === 'sequence_name')
  const name =
    namesOf(chosen?.arg).at(-1) ??
    chooseName({ name1: table.name, name2: column.name, label: 'seq' }, isTaken)
  await work.lockName('relation', table.schemaOid, name)
  if (work.catalog.relationByName(table.schemaOid, name) !== undefined) {
    throw new SqlError('42P07', `relation "${name}" already exists`)
  }
  const oid = await work.newOid()
  const options = parts.options.filter((node) => node !== undefined)
  const defaults = sequenceFrom(work, optionsOf(options), undefined, column.type)
  const sequence: Sequence = {
    kind: 'sequence',
    oid,
    name,
    schemaOid: table.schemaOid,
    ownerOid: table.ownerOid,
    acl: work.defaultAcl(table.schemaOid, 'S'),
    persistence: table.persistence,
    ...defaults,
    ownedByTable: tableOid,
    ownedByColumn: column.number,
    generation: await work.newOid(),
  }
  await work.put(sequence)
  if (!parts.isSerial) {
    await changeColumn(work, tableOid, index, { sequenceOid: oid })
    return
  }
  await changeColumn(work, tableOid, index, {
    sequenceOid: oid,
    default: nextvalText(oid),
    defaultOid: await work.newOid(),
    defaultDependencies: [{ classOid: CLASS_OID.pg_class, objectOid: oid, subId: 0 }],
  })
}

/** The stored default of a serial column: names the sequence by oid, so renaming it changes nothing here. */
export function nextvalText(sequenceOid: number): string {
  return `nextval('${sequenceOid}'::regclass)`
}
