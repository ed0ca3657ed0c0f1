// Column and constraint definitions as CREATE TABLE and ALTER TABLE read them, before anything has an oid.
//
//   ColumnDef, Constraint (parse tree) ──▶ ColumnDraft + ConstraintDraft ──create-table, add-constraint──▶ objects

import type { ColumnDef, Constraint, Node } from 'libpg-query'
import type { Acl, Column, ReferentialAction } from '../catalog/catalog.ts'
import { nodeAs, stringsOf } from '../parse/ast.ts'
import type { RangeVar } from '../parse/ast.ts'
import { INT2_OID, INT4_OID, INT8_OID } from '../types/oids.ts'
import { SqlError, unsupported } from '../types/sql-error.ts'
import { resolveCollation, resolveType } from './type-names.ts'
import type { DdlWork } from './work.ts'

export interface ColumnDraft {
  name: string
  type: number
  typmod: number
  collation: number
  notNull: boolean
  /** DEFAULT or GENERATED ALWAYS AS, raw. */
  defaultNode: Node | undefined
  generated: boolean
  identity: Column['identity']
  /** Sequence options of an identity column, or undefined for serial. */
  sequenceOptions: readonly Node[] | undefined
  isSerial: boolean
  location: number | undefined
  /** LIKE ... INCLUDING DEFAULTS, GENERATED: text that is canonical already. */
  defaultText?: string | undefined
  acl?: Acl
}

export interface Deferral {
  readonly deferrable: boolean
  readonly initiallyDeferred: boolean
}

export type ConstraintDraft = CheckDraft | KeyDraft | ForeignKeyDraft

export interface CheckDraft {
  readonly kind: 'check'
  readonly name: string | undefined
  /** Raw, or canonical text (from LIKE). */
  readonly expression: Node | string
  readonly noInherit: boolean
  readonly skipValidation: boolean
  /** The column it was written at. */
  readonly columnName: string | undefined
  readonly location: number | undefined
}

export interface KeyDraft extends Deferral {
  readonly kind: 'primary' | 'unique'
  readonly name: string | undefined
  readonly columns: readonly string[]
  readonly included: readonly string[]
  readonly nullsNotDistinct: boolean
  readonly options: readonly Node[]
  /** ADD CONSTRAINT ... USING INDEX. */
  readonly indexName: string | undefined
  readonly location: number | undefined
}

export interface ForeignKeyDraft extends Deferral {
  readonly kind: 'foreign'
  readonly name: string | undefined
  readonly columns: readonly string[]
  readonly target: RangeVar
  readonly targetColumns: readonly string[]
  readonly match: 'simple' | 'full'
  readonly onUpdate: ReferentialAction
  readonly onDelete: ReferentialAction
  readonly skipValidation: boolean
  readonly location: number | undefined
}

const SERIAL_TYPES: Readonly<Record<string, number>> = {
  smallserial: INT2_OID,
  serial2: INT2_OID,
  serial: INT4_OID,
  serial4: INT4_OID,
  bigserial: INT8_OID,
  serial8: INT8_OID,
}

const ACTIONS: Readonly<Record<string, ReferentialAction>> = {
  a: 'no-action',
  r: 'restrict',
  c: 'cascade',
  n: 'set-null',
  d: 'set-default',
}

/** Reads one column with its constraints; key, check and foreign constraints go to `constraints`. */
export function draftColumn(work: DdlWork, def: ColumnDef, constraints: ConstraintDraft[]): ColumnDraft {
  const name = def.colname ?? ''
  const { typeName } = def
  if (typeName === undefined) throw unsupported('a column without a type')
  const typeNames = stringsOf(typeName.names)
  const isArray = (typeName.arrayBounds ?? []).length > 0
  const serial = typeNames.length === 1 ? SERIAL_TYPES[typeNames[0] ?? ''] : undefined
  if (serial !== undefined && isArray) {
    throw work.error('0A000', 'array of serial is not implemented', typeName.location)
  }
  const resolved = serial === undefined ? resolveType(work, typeName) : { oid: serial, typmod: -1 }
  const draft: ColumnDraft = {
    name,
    type: resolved.oid,
    typmod: resolved.typmod,
    collation: resolveCollation(work, def.collClause, resolved.oid),
    notNull: serial !== undefined,
    defaultNode: undefined,
    generated: false,
    identity: undefined,
    sequenceOptions: undefined,
    isSerial: serial !== undefined,
    location: def.location,
  }
  checkColumnType(work, draft)
  new ColumnConstraints(work, draft, constraints).read(def)
  return draft
}

function checkColumnType(work: DdlWork, draft: ColumnDraft): void {
  const type = work.catalog.type(draft.type)
  if (type?.kind !== 'pseudo') return
  throw work.error('42P16', `column "${draft.name}" has pseudo-type ${type.name}`)
}

class ColumnConstraints {
  readonly #work: DdlWork
  readonly #draft: ColumnDraft
  readonly #constraints: ConstraintDraft[]
  #sawNull: 'null' | 'not null' | undefined

  constructor(work: DdlWork, draft: ColumnDraft, constraints: ConstraintDraft[]) {
    this.#work = work
    this.#draft = draft
    this.#constraints = constraints
  }

  read(def: ColumnDef): void {
    const nodes = (def.constraints ?? []).map((node) => nodeAs(node, 'Constraint') ?? {})
    const name = this.#draft.name
    for (const [at, constraint] of nodes.entries()) this.#readOne(constraint, nodes.slice(at + 1))
    const { identity, isSerial, defaultNode, generated } = this.#draft
    const complain = (what: string): SqlError =>
      this.#work.error(
        '42601',
        `${what} specified for column "${name}" of table "${this.#tableName}"`,
        def.location,
      )
    if (defaultNode !== undefined && !generated && identity !== undefined)
      throw complain('both default and identity')
    if (defaultNode !== undefined && generated && identity !== undefined)
      throw complain('both identity and generation expression')
    if (isSerial && (defaultNode !== undefined || identity !== undefined))
      throw new SqlError(
        '42601',
        `multiple default values specified for column "${name}" of table "${this.#tableName}"`,
      )
  }

  get #tableName(): string {
    return this.#work.currentTableName
  }

  #nullness(wanted: 'null' | 'not null', location: number | undefined): void {
    if (this.#sawNull !== undefined && this.#sawNull !== wanted) {
      const what = `conflicting NULL/NOT NULL declarations for column "${this.#draft.name}" of table "${this.#tableName}"`
      throw this.#work.error('42601', what, location)
    }
    this.#sawNull = wanted
  }

  #bothDefaultAndGeneration(location: number | undefined): SqlError {
    const column = `column "${this.#draft.name}" of table "${this.#tableName}"`
    return this.#work.error(
      '42601',
      `both default and generation expression specified for ${column}`,
      location,
    )
  }

  #readOne(constraint: Constraint, following: readonly Constraint[]): void {
    const draft = this.#draft
    const { location } = constraint
    const work = this.#work
    const duplicate = (what: string): SqlError =>
      work.error(
        '42601',
        `multiple ${what} specified for column "${draft.name}" of table "${this.#tableName}"`,
        location,
      )
    switch (constraint.contype) {
      case 'CONSTR_NULL':
        if (draft.isSerial) this.#sawNull = 'not null'
        this.#nullness('null', location)
        return
      case 'CONSTR_NOTNULL':
        this.#nullness('not null', location)
        draft.notNull = true
        return
      case 'CONSTR_DEFAULT':
        if (draft.generated) throw this.#bothDefaultAndGeneration(location)
        if (draft.defaultNode !== undefined) throw duplicate('default values')
        draft.defaultNode = constraint.raw_expr
        return
      case 'CONSTR_GENERATED':
        if (draft.generated) throw duplicate('generation clauses')
        if (draft.defaultNode !== undefined) throw this.#bothDefaultAndGeneration(location)
        if (constraint.generated_when === 'd') {
          throw work.error('42601', 'for a generated column, GENERATED ALWAYS must be specified', location)
        }
        draft.generated = true
        draft.defaultNode = constraint.raw_expr
        return
      case 'CONSTR_IDENTITY':
        if (draft.identity !== undefined) throw duplicate('identity specifications')
        if (![INT2_OID, INT4_OID, INT8_OID].includes(draft.type)) {
          throw new SqlError('22023', 'identity column type must be smallint, integer, or bigint')
        }
        draft.identity = constraint.generated_when === 'd' ? 'by-default' : 'always'
        draft.sequenceOptions = constraint.options ?? []
        if (this.#sawNull === 'null') this.#nullness('not null', location)
        draft.notNull = true
        return
      case 'CONSTR_ATTR_DEFERRABLE':
      case 'CONSTR_ATTR_NOT_DEFERRABLE':
      case 'CONSTR_ATTR_DEFERRED':
      case 'CONSTR_ATTR_IMMEDIATE':
        return
      default: {
        const keyed = withDeferral(constraint, following)
        const made = draftConstraint(work, keyed, draft.name)
        if (made.kind === 'primary') draft.notNull = true
        this.#constraints.push(made)
      }
    }
  }
}

/** DEFERRABLE and its kin follow the constraint they belong to as nodes of their own in a column's list. */
function withDeferral(constraint: Constraint, following: readonly Constraint[]): Constraint {
  const changed = { ...constraint }
  for (const { contype } of following) {
    if (contype === 'CONSTR_ATTR_DEFERRABLE') changed.deferrable = true
    else if (contype === 'CONSTR_ATTR_DEFERRED') {
      changed.deferrable = true
      changed.initdeferred = true
    } else if (contype !== 'CONSTR_ATTR_NOT_DEFERRABLE' && contype !== 'CONSTR_ATTR_IMMEDIATE') break
  }
  return changed
}

/** Reads a table constraint, or one written at a column. */
export function draftConstraint(work: DdlWork, constraint: Constraint, columnName?: string): ConstraintDraft {
  const { conname: name, location } = constraint
  const deferral = {
    deferrable: constraint.deferrable === true,
    initiallyDeferred: constraint.initdeferred === true,
  }
  switch (constraint.contype) {
    case 'CONSTR_CHECK':
      if (constraint.raw_expr === undefined) throw unsupported('a check constraint without an expression')
      return {
        kind: 'check',
        name,
        expression: constraint.raw_expr,
        noInherit: constraint.is_no_inherit === true,
        skipValidation: constraint.skip_validation === true,
        columnName,
        location,
      }
    case 'CONSTR_PRIMARY':
    case 'CONSTR_UNIQUE':
      return {
        kind: constraint.contype === 'CONSTR_PRIMARY' ? 'primary' : 'unique',
        name,
        columns: columnName === undefined ? stringsOf(constraint.keys) : [columnName],
        included: stringsOf(constraint.including),
        nullsNotDistinct: constraint.nulls_not_distinct === true,
        options: constraint.options ?? [],
        indexName: constraint.indexname,
        location,
        ...deferral,
      }
    case 'CONSTR_FOREIGN':
      return draftForeignKey(work, constraint, columnName)
    case 'CONSTR_EXCLUSION':
      throw unsupported('EXCLUDE constraint', work.source.positionOf(location))
    default:
      throw unsupported(`constraint ${String(constraint.contype)}`, work.source.positionOf(location))
  }
}

function draftForeignKey(work: DdlWork, constraint: Constraint, columnName?: string): ForeignKeyDraft {
  const { conname: name, location, pktable } = constraint
  if (pktable === undefined) throw unsupported('a foreign key without a table')
  if (constraint.fk_matchtype === 'p')
    throw work.error('0A000', 'MATCH PARTIAL not yet implemented', location)
  if ((constraint.fk_del_set_cols ?? []).length > 0) throw unsupported('ON DELETE SET with a column list')
  return {
    kind: 'foreign',
    name,
    columns: columnName === undefined ? stringsOf(constraint.fk_attrs) : [columnName],
    target: pktable,
    targetColumns: stringsOf(constraint.pk_attrs),
    match: constraint.fk_matchtype === 'f' ? 'full' : 'simple',
    onUpdate: ACTIONS[constraint.fk_upd_action ?? 'a'] ?? 'no-action',
    onDelete: ACTIONS[constraint.fk_del_action ?? 'a'] ?? 'no-action',
    skipValidation: constraint.skip_validation === true,
    location,
    deferrable: constraint.deferrable === true,
    initiallyDeferred: constraint.initdeferred === true,
  }
}
