// DROP of tables, views, indexes, sequences, types, domains and schemas.

import type { DropStmt, Node, ObjectType } from 'libpg-query'
import { CLASS_OID } from '../catalog/bootstrap.ts'
import type { Dependency, Index, Relation, Sequence } from '../catalog/catalog.ts'
import { addressOf } from '../catalog/dependencies.ts'
import { SqlError, unsupported } from '../types/sql-error.ts'
import { planDrop } from './drop-plan.ts'
import { namesOf, splitName } from './nodes.ts'
import { removeObjects } from './removal.ts'
import { findType } from './type-names.ts'
import { type DdlWork, isSystemSchema, LOCK, qualifiedText, rangeVarOf, RELATION_NOUN } from './work.ts'

interface DropKind {
  readonly tag: string
  readonly relation?: Relation['kind']
  /** PostgreSQL has it and we have none of it: there is nothing to find. */
  readonly absent?: string
}

const KINDS: Partial<Record<ObjectType, DropKind>> = {
  OBJECT_TABLE: { tag: 'DROP TABLE', relation: 'table' },
  OBJECT_VIEW: { tag: 'DROP VIEW', relation: 'view' },
  OBJECT_INDEX: { tag: 'DROP INDEX', relation: 'index' },
  OBJECT_SEQUENCE: { tag: 'DROP SEQUENCE', relation: 'sequence' },
  OBJECT_TYPE: { tag: 'DROP TYPE' },
  OBJECT_DOMAIN: { tag: 'DROP DOMAIN' },
  OBJECT_SCHEMA: { tag: 'DROP SCHEMA' },
  OBJECT_MATVIEW: { tag: 'DROP MATERIALIZED VIEW', absent: 'materialized view' },
  OBJECT_FOREIGN_TABLE: { tag: 'DROP FOREIGN TABLE', absent: 'foreign table' },
  OBJECT_EXTENSION: { tag: 'DROP EXTENSION', absent: 'extension' },
  OBJECT_FUNCTION: { tag: 'DROP FUNCTION', absent: 'function' },
  OBJECT_PROCEDURE: { tag: 'DROP PROCEDURE', absent: 'procedure' },
  OBJECT_ROUTINE: { tag: 'DROP ROUTINE', absent: 'routine' },
  OBJECT_AGGREGATE: { tag: 'DROP AGGREGATE', absent: 'aggregate' },
  OBJECT_OPERATOR: { tag: 'DROP OPERATOR', absent: 'operator' },
  OBJECT_CAST: { tag: 'DROP CAST', absent: 'cast' },
  OBJECT_COLLATION: { tag: 'DROP COLLATION', absent: 'collation' },
  OBJECT_TRIGGER: { tag: 'DROP TRIGGER', absent: 'trigger' },
  OBJECT_RULE: { tag: 'DROP RULE', absent: 'rule' },
  OBJECT_POLICY: { tag: 'DROP POLICY', absent: 'policy' },
  OBJECT_PUBLICATION: { tag: 'DROP PUBLICATION', absent: 'publication' },
  OBJECT_EVENT_TRIGGER: { tag: 'DROP EVENT TRIGGER', absent: 'event trigger' },
  OBJECT_FDW: { tag: 'DROP FOREIGN DATA WRAPPER', absent: 'foreign-data wrapper' },
  OBJECT_FOREIGN_SERVER: { tag: 'DROP SERVER', absent: 'server' },
  OBJECT_LANGUAGE: { tag: 'DROP LANGUAGE', absent: 'language' },
  OBJECT_STATISTIC_EXT: { tag: 'DROP STATISTICS', absent: 'statistics object' },
  OBJECT_TSCONFIGURATION: { tag: 'DROP TEXT SEARCH CONFIGURATION', absent: 'text search configuration' },
  OBJECT_TSDICTIONARY: { tag: 'DROP TEXT SEARCH DICTIONARY', absent: 'text search dictionary' },
}

export async function dropObjects(work: DdlWork, statement: DropStmt): Promise<string> {
  const kind = KINDS[statement.removeType ?? 'OBJECT_TABLE']
  if (kind === undefined) throw unsupported(`DROP ${statement.removeType?.replace('OBJECT_', '') ?? ''}`)
  if (statement.concurrent === true) work.requireNoBlock('DROP INDEX CONCURRENTLY')
  const targets: Dependency[] = []
  for (const node of statement.objects ?? []) {
    const target = await findTarget(work, statement, kind, node)
    if (target !== undefined) targets.push(target)
  }
  if (targets.length === 0) return kind.tag
  const doomed = planDrop(work, targets, statement.behavior === 'DROP_CASCADE' ? 'cascade' : 'restrict')
  await removeObjects(work, doomed)
  return kind.tag
}

async function findTarget(
  work: DdlWork,
  statement: DropStmt,
  kind: DropKind,
  node: Node,
): Promise<Dependency | undefined> {
  const names = namesOf(node)
  if (kind.absent !== undefined) return missingKind(work, statement, kind.absent, node)
  if (kind.relation !== undefined) return relationTarget(work, statement, kind.relation, names)
  if (statement.removeType === 'OBJECT_SCHEMA') return schemaTarget(work, statement, names)
  return typeTarget(work, statement, names)
}

function missingKind(work: DdlWork, statement: DropStmt, noun: string, node: Node): undefined {
  const withArgs = 'ObjectWithArgs' in node ? node.ObjectWithArgs : undefined
  const list = 'List' in node ? namesOf(node) : undefined
  const name =
    withArgs === undefined
      ? (list ?? namesOf(node)).at(-1)
      : namesOf({ List: { items: withArgs.objname ?? [] } }).join('.')
  const shown =
    noun === 'function' || noun === 'procedure' || noun === 'routine' || noun === 'aggregate'
      ? `${noun} ${name}()`
      : `${noun} "${name}"`
  if (statement.missing_ok !== true) {
    const isFunction = shown.endsWith('()')
    throw new SqlError(
      isFunction ? '42883' : noun === 'materialized view' || noun === 'foreign table' ? '42P01' : '42704',
      `${shown} does not exist`,
    )
  }
  work.notice(`${shown} does not exist, skipping`)
  return undefined
}

async function relationTarget(
  work: DdlWork,
  statement: DropStmt,
  wanted: Relation['kind'],
  names: readonly string[],
): Promise<Dependency | undefined> {
  const name = rangeVarOf(names)
  const noun = RELATION_NOUN[wanted]
  if (name.schemaname !== undefined && work.findSchema(name.schemaname) === undefined) {
    if (statement.missing_ok !== true)
      throw new SqlError('3F000', `schema "${name.schemaname}" does not exist`)
    work.notice(`schema "${name.schemaname}" does not exist, skipping`)
    return undefined
  }
  const relation = await work.lockRelation(name, LOCK.accessExclusive)
  if (relation === undefined) {
    if (statement.missing_ok !== true) {
      const code = wanted === 'index' ? '42704' : '42P01'
      throw new SqlError(code, `${noun} "${qualifiedText(name)}" does not exist`)
    }
    work.notice(`${noun} "${qualifiedText(name)}" does not exist, skipping`)
    return undefined
  }
  if (relation.kind !== wanted || (relation.kind === 'table' && relation.isCompositeType)) {
    throw new SqlError(
      '42809',
      `"${relation.name}" is not ${wanted === 'index' ? 'an index' : `a ${noun}`}`,
      {
        hint: hintFor(relation),
      },
    )
  }
  if (isSystemSchema(relation.schemaOid)) {
    throw new SqlError('42501', `permission denied: "${relation.name}" is a system catalog`)
  }
  const schema = work.catalog.schema(relation.schemaOid)
  if (schema === undefined || !work.hasRole(schema.ownerOid)) work.checkOwner(noun, relation)
  if (relation.kind === 'index') checkIndexIsFree(work, relation)
  if (relation.kind === 'sequence') checkSequenceIsFree(work, relation)
  return addressOf(CLASS_OID.pg_class, relation.oid)
}

function hintFor(relation: Relation): string {
  const noun = relation.kind === 'table' && relation.isCompositeType ? 'type' : RELATION_NOUN[relation.kind]
  const article = noun === 'index' ? 'an' : 'a'
  return `Use DROP ${noun.toUpperCase()} to remove ${article} ${noun}.`
}

function checkIndexIsFree(work: DdlWork, index: Index): void {
  if (index.constraintOid === 0) return
  const table = work.catalog.relation(index.tableOid)
  const constraint = `constraint ${index.name} on table ${table?.name}`
  throw new SqlError('2BP01', `cannot drop index ${index.name} because ${constraint} requires it`, {
    hint: `You can drop ${constraint} instead.`,
  })
}

/** The sequence of an identity column goes with the column only. */
function checkSequenceIsFree(work: DdlWork, sequence: Sequence): void {
  const table = work.catalog.relation(sequence.ownedByTable)
  if (table?.kind !== 'table') return
  const column = table.columns.find((item) => item.number === sequence.ownedByColumn)
  if (column?.identity === undefined) return
  const owner = `column ${column.name} of table ${table.name}`
  throw new SqlError('2BP01', `cannot drop sequence ${sequence.name} because ${owner} requires it`, {
    hint: `You can drop ${owner} instead.`,
  })
}

async function schemaTarget(
  work: DdlWork,
  statement: DropStmt,
  names: readonly string[],
): Promise<Dependency | undefined> {
  const name = names[0] ?? ''
  const schema = work.findSchema(name)
  if (schema === undefined) {
    if (statement.missing_ok !== true) throw new SqlError('3F000', `schema "${name}" does not exist`)
    work.notice(`schema "${name}" does not exist, skipping`)
    return undefined
  }
  if (isSystemSchema(schema.oid)) {
    throw new SqlError('2BP01', `cannot drop schema ${name} because it is required by the database system`)
  }
  work.checkOwner('schema', schema)
  await work.lockObject('schema', schema.oid)
  return addressOf(CLASS_OID.pg_namespace, schema.oid)
}

async function typeTarget(
  work: DdlWork,
  statement: DropStmt,
  names: readonly string[],
): Promise<Dependency | undefined> {
  const { schema } = splitName(names)
  const isMissingSchema = schema !== undefined && work.findSchema(schema) === undefined
  if (isMissingSchema && statement.missing_ok === true) {
    work.notice(`schema "${schema}" does not exist, skipping`)
    return undefined
  }
  const entry = findType(work, names)
  if (entry === undefined) {
    if (statement.missing_ok !== true) throw new SqlError('42704', `type "${names.join('.')}" does not exist`)
    work.notice(`type "${names.join('.')}" does not exist, skipping`)
    return undefined
  }
  const { type } = entry
  if (statement.removeType === 'OBJECT_DOMAIN' && type.kind !== 'domain') {
    throw new SqlError('42809', `"${type.name}" is not a domain`)
  }
  if (isSystemSchema(entry.schemaOid)) {
    throw new SqlError('2BP01', `cannot drop type ${type.name} because it is required by the database system`)
  }
  work.checkOwner('type', { name: type.name, ownerOid: entry.ownerOid })
  if (type.kind === 'array') {
    const element = work.catalog.type(type.elementOid)?.name
    throw new SqlError('2BP01', `cannot drop type ${element}[] because type ${element} requires it`, {
      hint: `You can drop type ${element} instead.`,
    })
  }
  const relation = entry.relationOid === 0 ? undefined : work.catalog.relation(entry.relationOid)
  if (relation !== undefined && !(relation.kind === 'table' && relation.isCompositeType)) {
    const owner = `${RELATION_NOUN[relation.kind]} ${relation.name}`
    throw new SqlError('2BP01', `cannot drop type ${type.name} because ${owner} requires it`, {
      hint: `You can drop ${owner} instead.`,
    })
  }
  if (relation === undefined) await work.lockObject('type', type.oid)
  return addressOf(CLASS_OID.pg_type, type.oid)
}
