// Storage parameters (WITH (...)): checked against what PostgreSQL knows, kept as 'name=value', of no effect here but
// to be shown and dumped.

import type { Node } from 'libpg-query'
import { SqlError } from '../types/sql-error.ts'
import { optionsOf, optionText } from './nodes.ts'

const TABLE_OPTIONS: ReadonlySet<string> = new Set([
  'fillfactor',
  'toast_tuple_target',
  'parallel_workers',
  'user_catalog_table',
  'vacuum_index_cleanup',
  'vacuum_truncate',
  'log_autovacuum_min_duration',
  'autovacuum_enabled',
  'autovacuum_vacuum_threshold',
  'autovacuum_vacuum_insert_threshold',
  'autovacuum_analyze_threshold',
  'autovacuum_vacuum_cost_limit',
  'autovacuum_vacuum_cost_delay',
  'autovacuum_vacuum_scale_factor',
  'autovacuum_vacuum_insert_scale_factor',
  'autovacuum_analyze_scale_factor',
  'autovacuum_freeze_min_age',
  'autovacuum_freeze_max_age',
  'autovacuum_freeze_table_age',
  'autovacuum_multixact_freeze_min_age',
  'autovacuum_multixact_freeze_max_age',
  'autovacuum_multixact_freeze_table_age',
])
const INDEX_OPTIONS: ReadonlySet<string> = new Set([
  'fillfactor',
  'deduplicate_items',
  'fastupdate',
  'gin_pending_list_limit',
  'buffering',
  'pages_per_range',
  'autosummarize',
])
const VIEW_OPTIONS: ReadonlySet<string> = new Set(['security_barrier', 'security_invoker', 'check_option'])

function readOptions(nodes: readonly Node[] | undefined, known: ReadonlySet<string>): string[] {
  const options: string[] = []
  for (const option of optionsOf(nodes)) {
    const name = option.defname ?? ''
    const namespace = option.defnamespace
    if (namespace !== undefined && namespace !== 'toast') {
      throw new SqlError('22023', `unrecognized parameter namespace "${namespace}"`)
    }
    if (name === 'oids') {
      const value = optionText(option)
      if (value === undefined || value === 'true')
        throw new SqlError('0A000', 'tables declared WITH OIDS are not supported')
      continue
    }
    if (!known.has(name)) throw new SqlError('22023', `unrecognized parameter "${name}"`)
    checkValue(name, optionText(option) ?? 'true')
    if (namespace === undefined) options.push(`${name}=${optionText(option) ?? 'true'}`)
  }
  return options
}

function checkValue(name: string, value: string): void {
  if (name !== 'fillfactor') return
  if (!/^-?\d+$/.test(value))
    throw new SqlError('22023', `invalid value for integer option "fillfactor": ${value}`)
  if (Number(value) >= 10 && Number(value) <= 100) return
  throw new SqlError('22023', `value ${value} out of bounds for option "fillfactor"`, {
    detail: 'Valid values are between "10" and "100".',
  })
}

export function tableOptions(nodes: readonly Node[] | undefined): string[] {
  return readOptions(nodes, TABLE_OPTIONS)
}

export function indexOptions(nodes: readonly Node[] | undefined): string[] {
  return readOptions(nodes, INDEX_OPTIONS)
}

export function viewOptions(nodes: readonly Node[] | undefined): string[] {
  return readOptions(nodes, VIEW_OPTIONS)
}

/** SET (...) and RESET (...) of options that are there. */
export function mergeOptions(
  old: readonly string[],
  changed: readonly string[],
  reset: readonly string[],
): string[] {
  const nameOf = (option: string): string => option.slice(0, option.indexOf('='))
  const gone = new Set([...reset, ...changed.map(nameOf)])
  return [...old.filter((option) => !gone.has(nameOf(option))), ...changed]
}
