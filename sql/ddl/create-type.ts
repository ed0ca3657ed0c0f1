// CREATE TYPE (enums and composites), ALTER TYPE for enums, CREATE and ALTER DOMAIN.

import type {
  AlterDomainStmt,
  AlterEnumStmt,
  CompositeTypeStmt,
  Constraint,
  CreateDomainStmt,
  CreateEnumStmt,
} from 'libpg-query'
import { must } from '../../storage/base/assert.ts'
import type { DomainInfo, Schema } from '../catalog/catalog.ts'
import { arrayNameOf } from '../catalog/created-types.ts'
import type { StoredTable, StoredType } from '../catalog/stored-objects.ts'
import { nodeAs, stringsOf } from '../parse/ast.ts'
import type { TreeId } from '../../storage/base/ids.ts'
import { SqlError, unsupported } from '../types/sql-error.ts'
import { ArrayValue } from '../types/value.ts'
import { type ConstraintDraft, draftColumn } from './column-draft.ts'
import { checkColumnNames, fullLayout, plainColumn } from './create-table.ts'
import { checkDomainRows } from './domain-check.ts'
import { bindDomainCheck, bindDomainDefault } from './expressions.ts'
import { splitName } from './nodes.ts'
import { Restatement } from './restate.ts'
import { chooseName } from './object-names.ts'
import { findType, resolveType } from './type-names.ts'
import type { DdlWork } from './work.ts'

const LABEL_SIZE_BYTES_MAX = 63

/** Locks the name and makes sure that no type has it. */
async function claimTypeName(
  work: DdlWork,
  names: readonly string[],
): Promise<{ schema: Schema; name: string }> {
  const { schema: schemaName, name } = splitName(names)
  const schema = await work.creationSchema({ schemaname: schemaName, relname: name })
  await work.lockName('type', schema.oid, name)
  if (work.catalog.typeByName(schema.oid, name) !== undefined) {
    throw new SqlError('42710', `type "${name}" already exists`)
  }
  return { schema, name }
}

export async function createEnum(work: DdlWork, statement: CreateEnumStmt): Promise<string> {
  const { schema, name } = await claimTypeName(work, stringsOf(statement.typeName))
  const labels = stringsOf(statement.vals)
  labels.forEach(checkLabel)
  const twice = labels.find((label, i) => labels.indexOf(label) !== i)
  if (twice !== undefined) {
    throw new SqlError(
      '23505',
      'duplicate key value violates unique constraint "pg_enum_typid_label_index"',
      {
        detail: `Key (enumtypid, enumlabel)=(${await work.newOid()}, ${twice}) already exists.`,
      },
    )
  }
  const [oid, arrayOid] = (await work.newOids(2)) as [number, number]
  const labelOids = await work.newOids(labels.length)
  await work.put({
    kind: 'type',
    form: 'enum',
    oid,
    name,
    schemaOid: schema.oid,
    ownerOid: work.roleOid,
    acl: work.defaultAcl(schema.oid, 'T'),
    arrayOid,
    arrayName: arrayNameOf(name),
    labels: labels.map((label, i) => ({ oid: must(labelOids[i]), label, sortOrder: i + 1 })),
    domain: undefined,
  })
  return 'CREATE TYPE'
}

function checkLabel(label: string): void {
  if (Buffer.byteLength(label) <= LABEL_SIZE_BYTES_MAX && label !== '') return
  throw new SqlError('42602', `invalid enum label "${label}"`, { detail: 'Labels must be 63 bytes or less.' })
}

async function lockedEnum(work: DdlWork, names: readonly string[]): Promise<StoredType> {
  const entry = findType(work, names)
  if (entry === undefined) throw new SqlError('42704', `type "${names.join('.')}" does not exist`)
  if (entry.type.kind !== 'enum') throw new SqlError('42809', `${entry.type.name} is not an enum`)
  work.checkOwner('type', { name: entry.type.name, ownerOid: entry.ownerOid })
  await work.lockObject('type', entry.type.oid)
  return must(work.editor.object('type', entry.type.oid))
}

export async function alterEnum(work: DdlWork, statement: AlterEnumStmt): Promise<string> {
  const stored = await lockedEnum(work, stringsOf(statement.typeName))
  const label = statement.newVal ?? ''
  checkLabel(label)
  const isTaken = stored.labels.some((item) => item.label === label)
  if (statement.oldVal !== undefined) {
    if (!stored.labels.some((item) => item.label === statement.oldVal)) {
      throw new SqlError('22023', `"${statement.oldVal}" is not an existing enum label`)
    }
    if (isTaken) throw new SqlError('42710', `enum label "${label}" already exists`)
    const labels = stored.labels.map((item) => (item.label === statement.oldVal ? { ...item, label } : item))
    const texts = new Restatement(work, (needed) => needed.some((one) => one.objectOid === stored.oid))
    await work.put({ ...stored, labels })
    await texts.restate((node) => renamedLabel(node, stored, statement.oldVal ?? '', label))
    return 'ALTER TYPE'
  }
  if (isTaken) {
    if (statement.skipIfNewValExists !== true)
      throw new SqlError('42710', `enum label "${label}" already exists`)
    work.notice(`enum label "${label}" already exists, skipping`, '42710')
    return 'ALTER TYPE'
  }
  const at = placeOf(stored, statement)
  const before = stored.labels[at - 1]?.sortOrder
  const after = stored.labels[at]?.sortOrder
  const sortOrder =
    before === undefined ? (after ?? 2) - 1 : after === undefined ? before + 1 : (before + after) / 2
  const added = { oid: await work.newOid(), label, sortOrder }
  await work.put({ ...stored, labels: [...stored.labels.slice(0, at), added, ...stored.labels.slice(at)] })
  return 'ALTER TYPE'
}

/** Constants of the enum, or arrays of it, with the label renamed. */
function renamedLabel(
  node: Record<string, unknown>,
  { oid, arrayOid }: StoredType,
  from: string,
  to: string,
): Record<string, unknown> | undefined {
  if (node['kind'] !== 'constant') return undefined
  const { type, value } = node
  if (type === oid && value === from) return { ...node, value: to }
  if (type !== arrayOid || !(value instanceof ArrayValue)) return undefined
  const elements = value.elements.map((element) => (element === from ? to : element))
  return { ...node, value: new ArrayValue(oid, elements, value.dimensions, value.lowerBounds) }
}

/** Index that a new label gets. */
function placeOf(stored: StoredType, statement: AlterEnumStmt): number {
  const neighbor = statement.newValNeighbor
  if (neighbor === undefined) return stored.labels.length
  const at = stored.labels.findIndex((item) => item.label === neighbor)
  if (at < 0) throw new SqlError('22023', `"${neighbor}" is not an existing enum label`)
  return statement.newValIsAfter === true ? at + 1 : at
}

export async function createComposite(work: DdlWork, statement: CompositeTypeStmt): Promise<string> {
  const variable = must(statement.typevar)
  const names =
    variable.schemaname === undefined
      ? [variable.relname ?? '']
      : [variable.schemaname, variable.relname ?? '']
  const { schema, name } = await claimTypeName(work, names)
  await work.lockName('relation', schema.oid, name)
  if (work.catalog.relationByName(schema.oid, name) !== undefined) {
    throw new SqlError('42P07', `relation "${name}" already exists`)
  }
  work.currentTableName = name
  const constraints: ConstraintDraft[] = []
  const drafts = (statement.coldeflist ?? []).map((node) =>
    draftColumn(work, must(nodeAs(node, 'ColumnDef')), constraints),
  )
  checkColumnNames(drafts)
  const columns = drafts.map((draft, i) => plainColumn(draft, i + 1))
  const [oid, rowTypeOid, rowArrayTypeOid] = (await work.newOids(3)) as [number, number, number]
  const stored: StoredTable = {
    kind: 'table',
    oid,
    name,
    schemaOid: schema.oid,
    ownerOid: work.roleOid,
    acl: undefined,
    persistence: 'permanent',
    columns,
    tree: 0 as TreeId,
    clusterKey: undefined,
    rowTypeOid,
    rowArrayTypeOid,
    layouts: [fullLayout(columns)],
    onCommit: 'preserve',
    checks: [],
    foreignKeys: [],
    options: [],
    isCompositeType: true,
  }
  await work.put(stored)
  return 'CREATE TYPE'
}

export async function createDomain(work: DdlWork, statement: CreateDomainStmt): Promise<string> {
  const { schema, name } = await claimTypeName(work, stringsOf(statement.domainname))
  const base = resolveType(work, must(statement.typeName))
  const kind = work.catalog.type(base.oid)?.kind
  if (kind === 'pseudo') {
    throw new SqlError(
      '42804',
      `"${work.catalog.type(base.oid)?.name}" is not a valid base type for a domain`,
    )
  }
  let domain: DomainInfo = {
    baseOid: base.oid,
    typmod: base.typmod,
    notNull: false,
    default: undefined,
    checks: [],
  }
  for (const node of statement.constraints ?? []) {
    domain = await withConstraint(work, domain, must(nodeAs(node, 'Constraint')), {
      name,
      schemaOid: schema.oid,
    })
  }
  const [oid, arrayOid] = (await work.newOids(2)) as [number, number]
  await work.put({
    kind: 'type',
    form: 'domain',
    oid,
    name,
    schemaOid: schema.oid,
    ownerOid: work.roleOid,
    acl: work.defaultAcl(schema.oid, 'T'),
    arrayOid,
    arrayName: arrayNameOf(name),
    labels: [],
    domain,
  })
  return 'CREATE DOMAIN'
}

interface DomainName {
  readonly name: string
  readonly schemaOid: number
}

async function withConstraint(
  work: DdlWork,
  domain: DomainInfo,
  constraint: Constraint,
  of: DomainName,
): Promise<DomainInfo> {
  switch (constraint.contype) {
    case 'CONSTR_NOTNULL':
      return { ...domain, notNull: true }
    case 'CONSTR_NULL':
      if (domain.notNull) throw work.error('42601', 'conflicting NULL/NOT NULL constraints')
      return domain
    case 'CONSTR_DEFAULT': {
      if (domain.default !== undefined) throw work.error('42601', 'multiple default expressions')
      const cooked = bindDomainDefault(work, must(constraint.raw_expr), { ...domain, name: of.name })
      return { ...domain, default: cooked?.text }
    }
    case 'CONSTR_CHECK': {
      const { text } = bindDomainCheck(work, must(constraint.raw_expr), domain.baseOid, domain.typmod)
      const isTaken = (wanted: string): boolean => domain.checks.some((check) => check.name === wanted)
      const name = constraint.conname ?? chooseName({ name1: of.name, label: 'check' }, isTaken)
      if (isTaken(name))
        throw new SqlError('42710', `constraint "${name}" for domain "${of.name}" already exists`)
      return { ...domain, checks: [...domain.checks, { oid: await work.newOid(), name, expression: text }] }
    }
    case 'CONSTR_UNIQUE':
      throw work.error('42601', 'unique constraints not possible for domains')
    case 'CONSTR_PRIMARY':
      throw work.error('42601', 'primary key constraints not possible for domains')
    case 'CONSTR_FOREIGN':
      throw work.error('42601', 'foreign key constraints not possible for domains')
    default:
      throw unsupported(`constraint ${String(constraint.contype)} of a domain`)
  }
}

export async function alterDomain(work: DdlWork, statement: AlterDomainStmt): Promise<string> {
  const names = stringsOf(statement.typeName)
  const entry = findType(work, names)
  if (entry === undefined) throw new SqlError('42704', `type "${names.join('.')}" does not exist`)
  if (entry.domain === undefined) throw new SqlError('42809', `${entry.type.name} is not a domain`)
  work.checkOwner('type', { name: entry.type.name, ownerOid: entry.ownerOid })
  await work.lockObject('type', entry.type.oid)
  const stored = must(work.editor.object('type', entry.type.oid))
  const changed = await changedDomain(work, stored, must(stored.domain), statement)
  if (changed !== undefined) await work.put({ ...stored, domain: changed })
  return 'ALTER DOMAIN'
}

/** Subtypes: T default, N drop not null, O set not null, C add constraint, X drop constraint, V validate. */
async function changedDomain(
  work: DdlWork,
  stored: StoredType,
  domain: DomainInfo,
  statement: AlterDomainStmt,
): Promise<DomainInfo | undefined> {
  switch (statement.subtype) {
    case 'T': {
      if (statement.def === undefined) return { ...domain, default: undefined }
      const cooked = bindDomainDefault(work, statement.def, { ...domain, name: stored.name })
      return { ...domain, default: cooked?.text }
    }
    case 'N':
      return { ...domain, notNull: false }
    case 'O': {
      const changed = { ...domain, notNull: true }
      await checkDomainRows(work, stored, changed)
      return changed
    }
    case 'C': {
      const constraint = must(nodeAs(statement.def, 'Constraint'))
      const changed = await withConstraint(work, domain, constraint, stored)
      if (constraint.skip_validation !== true) await checkDomainRows(work, stored, changed)
      return changed
    }
    case 'X': {
      const name = statement.name ?? ''
      const checks = domain.checks.filter((check) => check.name !== name)
      if (checks.length === domain.checks.length) {
        if (statement.missing_ok !== true) {
          throw new SqlError('42704', `constraint "${name}" of domain "${stored.name}" does not exist`)
        }
        work.notice(`constraint "${name}" of domain "${stored.name}" does not exist, skipping`)
        return undefined
      }
      return { ...domain, checks }
    }
    case 'V':
      await checkDomainRows(work, stored, domain)
      return undefined
    default:
      throw unsupported('ALTER DOMAIN')
  }
}
