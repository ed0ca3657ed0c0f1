// pg_constraint, pg_depend, pg_description, pg_sequence, pg_rewrite, pg_default_acl: what hangs on relations.

import { INT2_OID, OID_OID } from '../../types/oids.ts'
import { ArrayValue, type Value } from '../../types/value.ts'
import { CLASS_OID } from '../bootstrap.ts'
import type {
  Catalog,
  CheckConstraint,
  ForeignKey,
  Index,
  ReferentialAction,
  Sequence,
  Table,
  View,
} from '../catalog.ts'
import { dependencyEdges } from '../dependencies.ts'
import { systemIndexesOf, tableOfIndex } from './pg-class.ts'
import { aclValue, type Fields, type RelationSource } from './rows.ts'
import { extensionMembers } from './pg-extension.ts'

const ACTION: Readonly<Record<ReferentialAction, string>> = {
  'no-action': 'a',
  restrict: 'r',
  cascade: 'c',
  'set-null': 'n',
  'set-default': 'd',
}

const attnums = (table: Table, columns: readonly number[]): ArrayValue =>
  new ArrayValue(
    INT2_OID,
    columns.map((column) => table.columns[column]?.number ?? 0),
  )

function constraintRow(table: Table, own: Fields): Fields {
  return {
    connamespace: table.schemaOid,
    condeferrable: false,
    condeferred: false,
    convalidated: true,
    conrelid: table.oid,
    contypid: 0,
    conindid: 0,
    conparentid: 0,
    confrelid: 0,
    confupdtype: ' ',
    confdeltype: ' ',
    confmatchtype: ' ',
    conislocal: true,
    coninhcount: 0,
    connoinherit: true,
    conkey: null,
    ...own,
  }
}

function checkRow(catalog: Catalog, table: Table, check: CheckConstraint): Fields {
  void catalog
  const columns = check.dependencies
    .filter((needed) => needed.objectOid === table.oid && needed.subId > 0)
    .map((needed) => needed.subId)
  return constraintRow(table, {
    oid: check.oid,
    conname: check.name,
    contype: 'c',
    convalidated: check.validated,
    connoinherit: check.noInherit,
    conkey: columns.length === 0 ? null : new ArrayValue(INT2_OID, columns),
    conbin: check.expression,
  })
}

/** Oid of the `=` operator of two types, or of the first type with itself. */
function equalityOf(catalog: Catalog, left: number, right: number): number {
  const operators = catalog.functions.operatorsByName('=')
  const exact = operators.find((operator) => operator.left === left && operator.right === right)
  return (
    exact?.oid ?? operators.find((operator) => operator.left === left && operator.right === left)?.oid ?? 98
  )
}

function foreignKeyRow(catalog: Catalog, table: Table, key: ForeignKey): Fields {
  const target = catalog.relation(key.referencedOid)
  const columns = target?.kind === 'table' ? target.columns : []
  const operators = (pick: (own: number, other: number) => number): ArrayValue =>
    new ArrayValue(
      OID_OID,
      key.columns.map((column, i) =>
        pick(columns[key.referencedColumns[i] ?? -1]?.type ?? 0, table.columns[column]?.type ?? 0),
      ),
    )
  return constraintRow(table, {
    oid: key.oid,
    conname: key.name,
    contype: 'f',
    condeferrable: key.deferrable,
    condeferred: key.initiallyDeferred,
    convalidated: key.validated,
    conindid: key.indexOid,
    confrelid: key.referencedOid,
    confupdtype: ACTION[key.onUpdate],
    confdeltype: ACTION[key.onDelete],
    confmatchtype: key.match === 'full' ? 'f' : 's',
    conkey: attnums(table, key.columns),
    confkey: target?.kind === 'table' ? attnums(target, key.referencedColumns) : null,
    conpfeqop: operators((parent, child) => equalityOf(catalog, parent, child)),
    conppeqop: operators((parent) => equalityOf(catalog, parent, parent)),
    conffeqop: operators((_parent, child) => equalityOf(catalog, child, child)),
  })
}

function keyRow(table: Table, index: Index): Fields {
  return constraintRow(table, {
    oid: index.constraintOid,
    conname: index.name,
    contype: index.isPrimary ? 'p' : 'u',
    condeferrable: index.deferrable,
    condeferred: index.initiallyDeferred,
    conindid: index.oid,
    conkey: attnums(
      table,
      index.columns.map(({ column }) => column),
    ),
  })
}

function* constraintsOf(catalog: Catalog, table: Table): Iterable<Fields> {
  for (const check of table.checks) yield checkRow(catalog, table, check)
  for (const key of table.foreignKeys) yield foreignKeyRow(catalog, table, key)
  const indexes = table.virtual === undefined ? table.indexes : systemIndexesOf(table.oid)
  for (const index of indexes)
    if (index.constraintOid !== 0) yield keyRow(tableOfIndex(catalog, index), index)
}

function* domainConstraints(catalog: Catalog): Iterable<Fields> {
  for (const { type, domain, schemaOid } of catalog.types()) {
    for (const check of domain?.checks ?? []) {
      yield {
        oid: check.oid,
        conname: check.name,
        connamespace: schemaOid,
        contype: 'c',
        condeferrable: false,
        condeferred: false,
        convalidated: true,
        conrelid: 0,
        contypid: type.oid,
        conindid: 0,
        conparentid: 0,
        confrelid: 0,
        confupdtype: ' ',
        confdeltype: ' ',
        confmatchtype: ' ',
        conislocal: true,
        coninhcount: 0,
        connoinherit: false,
        conbin: check.expression,
      }
    }
  }
}

export const pgConstraint: RelationSource = {
  rows: function* (catalog) {
    for (const relation of catalog.relations()) {
      if (relation.kind === 'table') yield* constraintsOf(catalog, relation)
    }
    yield* domainConstraints(catalog)
  },
  lookups: {
    conrelid: (catalog, oid) => {
      if (oid === 0) return domainConstraints(catalog)
      const table = catalog.relation(oid as number)
      return table?.kind === 'table' ? constraintsOf(catalog, table) : []
    },
    confrelid: function* (catalog, oid) {
      const target = catalog.relation(oid as number)
      if (target?.kind !== 'table') {
        if (oid === 0) yield* pgConstraint.rows(catalog, undefined as never)
        return
      }
      for (const key of target.referencedBy) {
        const table = catalog.relation(key.tableOid)
        if (table?.kind === 'table') yield foreignKeyRow(catalog, table, key)
      }
    },
    contypid: (catalog, oid) =>
      oid === 0 ? pgConstraint.rows(catalog, undefined as never) : domainConstraints(catalog),
  },
}

const DEPTYPE = { normal: 'n', auto: 'a', internal: 'i' } as const

export const pgDepend: RelationSource = {
  rows: function* (catalog) {
    yield* extensionMembers()
    for (const { dependent, referenced, kind } of dependencyEdges(catalog)) {
      yield {
        classid: dependent.classOid,
        objid: dependent.objectOid,
        objsubid: dependent.subId,
        refclassid: referenced.classOid,
        refobjid: referenced.objectOid,
        refobjsubid: referenced.subId,
        deptype: DEPTYPE[kind],
      }
    }
  },
}

/** Comments are found by the objects they are on. */
export const pgDescription: RelationSource = {
  rows: function* (catalog) {
    for (const { oid, classOid, subId, text } of catalog.comments()) {
      yield { objoid: oid, classoid: classOid, objsubid: subId, description: text }
    }
  },
}

export const pgShdescription: RelationSource = {
  rows: function* (catalog) {
    for (const { oid, classOid, text } of catalog.shared.comments()) {
      yield { objoid: oid, classoid: classOid, description: text }
    }
  },
}

function sequenceRow(sequence: Sequence): Fields {
  return {
    seqrelid: sequence.oid,
    seqtypid: sequence.type,
    seqstart: sequence.start,
    seqincrement: sequence.increment,
    seqmax: sequence.max,
    seqmin: sequence.min,
    seqcache: sequence.cache,
    seqcycle: sequence.cycle,
  }
}

export const pgSequence: RelationSource = {
  rows: function* (catalog) {
    for (const relation of catalog.relations()) if (relation.kind === 'sequence') yield sequenceRow(relation)
  },
  lookups: {
    seqrelid: (catalog, oid) => {
      const sequence = catalog.relation(oid as number)
      return sequence?.kind === 'sequence' ? [sequenceRow(sequence)] : []
    },
  },
}

/** A view's rule; its oid is the view's own, in another catalog. */
function ruleRow(view: View): Fields {
  return {
    oid: view.oid,
    rulename: '_RETURN',
    ev_class: view.oid,
    ev_type: '1',
    ev_enabled: 'O',
    is_instead: true,
    ev_qual: '<>',
    ev_action: view.definition,
  }
}

export const pgRewrite: RelationSource = {
  rows: function* (catalog) {
    for (const relation of catalog.relations()) if (relation.kind === 'view') yield ruleRow(relation)
  },
  lookups: {
    ev_class: (catalog, oid) => {
      const view = catalog.relation(oid as number)
      return view?.kind === 'view' ? [ruleRow(view)] : []
    },
  },
}

export const pgDefaultAcl: RelationSource = {
  rows: function* (catalog) {
    for (const entry of catalog.defaultPrivileges()) {
      yield {
        oid: entry.oid,
        defaclrole: entry.roleOid,
        defaclnamespace: entry.schemaOid,
        defaclobjtype: entry.objectType,
        defaclacl: aclValue(entry.acl ?? [], catalog.shared),
      }
    }
  },
}

/** Edges from databases and roles to shared objects: owners. */
export const pgShdepend: RelationSource = {
  rows: function* (catalog) {
    for (const relation of catalog.relations()) {
      if (relation.oid < 16384 || relation.kind === 'index' || relation.ownerOid === 10) continue
      const owner: Value = relation.ownerOid
      yield {
        dbid: catalog.databaseOid,
        classid: CLASS_OID.pg_class,
        objid: relation.oid,
        objsubid: 0,
        refclassid: CLASS_OID.pg_authid,
        refobjid: owner,
        deptype: 'o',
      }
    }
  },
}
