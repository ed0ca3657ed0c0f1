// Activity and statistics: pg_stat_activity, pg_settings, pg_locks, prepared statements, cursors, and the counters of
// tables and indexes, which are zero where we count nothing.

import { TEXT_OID } from '../../types/oids.ts'
import { ArrayValue, type Row, type Value } from '../../types/value.ts'
import type { Catalog, Index, Relation, SessionState, Table, VirtualRelation } from '../catalog.ts'
import { relkindOf, tableOfIndex } from './pg-class.ts'
import type { Fields, RelationSource } from './rows.ts'

function activityRow(session: SessionState): Fields {
  return {
    datid: session.databaseOid,
    datname: session.databaseName,
    pid: session.processId,
    leader_pid: null,
    usesysid: session.userOid,
    usename: session.userName,
    application_name: session.applicationName,
    client_addr: session.clientAddress ?? null,
    client_hostname: null,
    client_port: session.clientPort,
    backend_start: session.backendStartMicros,
    xact_start: session.transactionStartMicros ?? null,
    query_start: session.queryStartMicros ?? null,
    state_change: session.stateChangeMicros,
    wait_event_type: session.waitEventType ?? null,
    wait_event: session.waitEvent ?? null,
    state: session.state,
    backend_xid: null,
    backend_xmin: null,
    query_id: null,
    query: session.query,
    backend_type: 'client backend',
  }
}

export const pgStatActivity: RelationSource = {
  rows: (_catalog, server) => Array.from(server.sessions(), activityRow),
}

export const pgSettings: RelationSource = {
  rows: (_catalog, server) =>
    Array.from(server.settings(), (setting) => ({
      name: setting.name,
      setting: setting.value,
      unit: setting.unit ?? null,
      category: setting.category,
      short_desc: setting.description,
      extra_desc: null,
      context: setting.context,
      vartype: setting.type,
      source: setting.source,
      min_val: setting.min ?? null,
      max_val: setting.max ?? null,
      enumvals: setting.enumValues === undefined ? null : new ArrayValue(TEXT_OID, setting.enumValues),
      boot_val: setting.bootValue ?? null,
      reset_val: setting.resetValue ?? null,
      sourcefile: null,
      sourceline: null,
      pending_restart: false,
    })),
}

/** Rows that the server makes in the relation's own shape. */
function passThrough(
  rows: (server: Parameters<VirtualRelation['rows']>[1]) => Iterable<Row>,
): VirtualRelation {
  return { rows: (_catalog, server) => [...rows(server)], lookups: [] }
}

export const pgPreparedStatements: VirtualRelation = passThrough((server) => server.preparedStatements())
export const pgCursors: VirtualRelation = passThrough((server) => server.cursors())
export const pgLocks: VirtualRelation = passThrough((server) => server.locks())

type Scope = 'all' | 'sys' | 'user'

/** pg_toast, pg_catalog and information_schema are "system". */
function isInScope(catalog: Catalog, relation: Relation, scope: Scope): boolean {
  if (scope === 'all') return true
  const name = catalog.schema(relation.schemaOid)?.name ?? ''
  const isSystem = name === 'pg_catalog' || name === 'information_schema' || name.startsWith('pg_toast')
  return isSystem === (scope === 'sys')
}

function* tablesIn(catalog: Catalog, scope: Scope): Iterable<Table> {
  for (const relation of catalog.relations()) {
    if (relation.kind !== 'table' || relkindOf(relation) !== 'r') continue
    if (isInScope(catalog, relation, scope)) yield relation
  }
}

function* indexesIn(catalog: Catalog, scope: Scope): Iterable<Index> {
  for (const relation of catalog.relations()) {
    if (relation.kind === 'index' && isInScope(catalog, relation, scope)) yield relation
  }
}

const zeroes = (names: string): Record<string, Value> =>
  Object.fromEntries(names.split(' ').map((name) => [name, 0]))

function tableName(catalog: Catalog, relation: Relation): Record<string, Value> {
  return {
    relid: relation.oid,
    schemaname: catalog.schema(relation.schemaOid)?.name ?? null,
    relname: relation.name,
  }
}

const TABLE_COUNTERS = zeroes(
  'seq_scan seq_tup_read idx_scan idx_tup_fetch n_tup_ins n_tup_upd n_tup_del n_tup_hot_upd n_live_tup n_dead_tup ' +
    'n_mod_since_analyze n_ins_since_vacuum vacuum_count autovacuum_count analyze_count autoanalyze_count',
)
const TRANSACTION_COUNTERS = zeroes(
  'seq_scan seq_tup_read idx_scan idx_tup_fetch n_tup_ins n_tup_upd n_tup_del n_tup_hot_upd',
)
const TABLE_IO = zeroes(
  'heap_blks_read heap_blks_hit idx_blks_read idx_blks_hit toast_blks_read toast_blks_hit tidx_blks_read tidx_blks_hit',
)

export const statTables = (scope: Scope): RelationSource => ({
  rows: function* (catalog) {
    for (const table of tablesIn(catalog, scope)) yield { ...tableName(catalog, table), ...TABLE_COUNTERS }
  },
})

export const statTransactionTables = (scope: Scope): RelationSource => ({
  rows: function* (catalog) {
    for (const table of tablesIn(catalog, scope))
      yield { ...tableName(catalog, table), ...TRANSACTION_COUNTERS }
  },
})

export const statioTables = (scope: Scope): RelationSource => ({
  rows: function* (catalog) {
    for (const table of tablesIn(catalog, scope)) yield { ...tableName(catalog, table), ...TABLE_IO }
  },
})

function indexName(catalog: Catalog, index: Index): Record<string, Value> {
  return {
    ...tableName(catalog, tableOfIndex(catalog, index)),
    indexrelid: index.oid,
    indexrelname: index.name,
  }
}

export const statIndexes = (scope: Scope): RelationSource => ({
  rows: function* (catalog) {
    const counters = zeroes('idx_scan idx_tup_read idx_tup_fetch')
    for (const index of indexesIn(catalog, scope)) yield { ...indexName(catalog, index), ...counters }
  },
})

export const statioIndexes = (scope: Scope): RelationSource => ({
  rows: function* (catalog) {
    const counters = zeroes('idx_blks_read idx_blks_hit')
    for (const index of indexesIn(catalog, scope)) yield { ...indexName(catalog, index), ...counters }
  },
})

export const statioSequences = (scope: Scope): RelationSource => ({
  rows: function* (catalog) {
    const counters = zeroes('blks_read blks_hit')
    for (const relation of catalog.relations()) {
      if (relation.kind === 'sequence' && isInScope(catalog, relation, scope)) {
        yield { ...tableName(catalog, relation), ...counters }
      }
    }
  },
})

export const pgStatDatabase: RelationSource = {
  rows: function* (catalog, server) {
    const sessions = [...server.sessions()]
    const counters = zeroes(
      'xact_commit xact_rollback blks_read blks_hit tup_returned tup_fetched tup_inserted tup_updated tup_deleted ' +
        'conflicts temp_files temp_bytes deadlocks blk_read_time blk_write_time session_time active_time ' +
        'idle_in_transaction_time sessions sessions_abandoned sessions_fatal sessions_killed',
    )
    for (const { oid, name } of catalog.shared.databases()) {
      const count = sessions.filter((session) => session.databaseOid === oid).length
      yield { datid: oid, datname: name, numbackends: count, ...counters }
    }
  },
}
