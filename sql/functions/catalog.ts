// Functions that describe the catalog (documentation, section 9.26): each hands its arguments to the session's
// CatalogServices and its neighbours. Visibility, definitions, comments, types by name, partitions.

import { type ContextDefinition, type Definition, type Definitions, collect } from './definition.ts'
import { formatType } from './format-type.ts'
import type { FunctionContext } from './function.ts'
import { keywords } from './quote.ts'
import type { VisibleKind } from './services.ts'
import { outputText } from './text-format.ts'
import { SqlError } from '../types/sql-error.ts'
import type { ArrayValue, Row, Value } from '../types/value.ts'

const visibility: Readonly<Record<string, VisibleKind>> = {
  pg_table_is_visible: 'relation',
  pg_type_is_visible: 'type',
  pg_function_is_visible: 'function',
  pg_operator_is_visible: 'operator',
  pg_opclass_is_visible: 'opclass',
  pg_opfamily_is_visible: 'opfamily',
  pg_collation_is_visible: 'collation',
  pg_conversion_is_visible: 'conversion',
  pg_statistics_obj_is_visible: 'statistics',
  pg_ts_parser_is_visible: 'ts_parser',
  pg_ts_dict_is_visible: 'ts_dict',
  pg_ts_template_is_visible: 'ts_template',
  pg_ts_config_is_visible: 'ts_config',
}

function* visible(): Iterable<readonly [string, Definition]> {
  for (const [name, kind] of Object.entries(visibility)) {
    yield [
      `${name}(oid)`,
      { context: (context, oid: number) => context.services.catalog.isVisible(kind, oid) },
    ]
  }
}

const definitions: Definitions = {
  'pg_get_expr(pg_node_tree,oid)': {
    context: (context, text: string, relation: number) =>
      context.services.catalog.expressionText(text, relation, false),
  },
  'pg_get_expr(pg_node_tree,oid,bool)': {
    context: (context, text: string, relation: number, pretty: boolean) =>
      context.services.catalog.expressionText(text, relation, pretty),
  },
  'pg_get_indexdef(oid)': {
    context: (context, oid: number) => context.services.catalog.indexDefinition(oid, 0, false),
  },
  'pg_get_indexdef(oid,int4,bool)': {
    context: (context, oid: number, column: number, pretty: boolean) =>
      context.services.catalog.indexDefinition(oid, column, pretty),
  },
  'pg_get_constraintdef(oid)': {
    context: (context, oid: number) => context.services.catalog.constraintDefinition(oid, false),
  },
  'pg_get_constraintdef(oid,bool)': {
    context: (context, oid: number, pretty: boolean) =>
      context.services.catalog.constraintDefinition(oid, pretty),
  },
  'pg_get_ruledef(oid)': {
    context: (context, oid: number) => context.services.catalog.ruleDefinition(oid, false),
  },
  'pg_get_ruledef(oid,bool)': {
    context: (context, oid: number, pretty: boolean) => context.services.catalog.ruleDefinition(oid, pretty),
  },
  'pg_get_triggerdef(oid)': {
    context: (context, oid: number) => context.services.catalog.triggerDefinition(oid, false),
  },
  'pg_get_triggerdef(oid,bool)': {
    context: (context, oid: number, pretty: boolean) =>
      context.services.catalog.triggerDefinition(oid, pretty),
  },
  'pg_get_partkeydef(oid)': { context: (context, oid: number) => context.services.catalog.partitionKey(oid) },
  'pg_get_partition_constraintdef(oid)': {
    context: (context, oid: number) => context.services.catalog.partitionConstraint(oid),
  },
  'pg_get_statisticsobjdef(oid)': {
    context: (context, oid: number) => context.services.catalog.statisticsDefinition(oid, false),
  },
  'pg_get_statisticsobjdef_columns(oid)': {
    context: (context, oid: number) => context.services.catalog.statisticsDefinition(oid, true),
  },
  'pg_get_serial_sequence(text,text)': {
    context: (context, table: string, column: string) =>
      context.services.catalog.serialSequence(table, column),
  },
  'pg_get_userbyid(oid)': { context: (context, oid: number) => context.services.catalog.roleName(oid) },
  'pg_describe_object(oid,oid,int4)': {
    context: (context, catalog: number, oid: number, column: number) =>
      context.services.catalog.describeObject(catalog, oid, column),
  },
}

const relationOf = (context: FunctionContext, name: string): number =>
  context.lookup.regNameToOid('regclass', name)

const views: Definitions = {
  'pg_get_viewdef(oid)': {
    context: (context, oid: number) => context.services.catalog.viewDefinition(oid, false, undefined),
  },
  'pg_get_viewdef(oid,bool)': {
    context: (context, oid: number, pretty: boolean) =>
      context.services.catalog.viewDefinition(oid, pretty, pretty ? 0 : undefined),
  },
  'pg_get_viewdef(oid,int4)': {
    context: (context, oid: number, wrap: number) => context.services.catalog.viewDefinition(oid, true, wrap),
  },
  'pg_get_viewdef(text)': {
    context: (context, name: string) =>
      context.services.catalog.viewDefinition(relationOf(context, name), false, undefined),
  },
  'pg_get_viewdef(text,bool)': {
    context: (context, name: string, pretty: boolean) =>
      context.services.catalog.viewDefinition(relationOf(context, name), pretty, pretty ? 0 : undefined),
  },
}

const routines: Definitions = {
  'pg_get_functiondef(oid)': {
    context: (context, oid: number) => context.services.catalog.functionDefinition(oid),
  },
  'pg_get_function_arguments(oid)': {
    context: (context, oid: number) => context.services.catalog.functionArguments(oid, false),
  },
  'pg_get_function_identity_arguments(oid)': {
    context: (context, oid: number) => context.services.catalog.functionArguments(oid, true),
  },
  'pg_get_function_result(oid)': {
    context: (context, oid: number) => context.services.catalog.functionResult(oid),
  },
  'pg_get_function_sqlbody(oid)': {
    context: (context, oid: number) => context.services.catalog.functionBody(oid),
  },
  'pg_get_function_arg_default(oid,int4)': {
    context: (context, oid: number, argument: number) =>
      context.services.catalog.functionArgumentDefault(oid, argument),
  },
}

const comments: Definitions = {
  'obj_description(oid,name)': {
    context: (context, oid: number, catalog: string) =>
      context.services.catalog.comment(oid, catalog, 0, false),
  },
  'obj_description(oid)': {
    context: (context, oid: number) => context.services.catalog.comment(oid, undefined, 0, false),
  },
  'shobj_description(oid,name)': {
    context: (context, oid: number, catalog: string) =>
      context.services.catalog.comment(oid, catalog, 0, true),
  },
  'col_description(oid,int4)': {
    context: (context, oid: number, column: number) =>
      context.services.catalog.comment(oid, 'pg_class', column, false),
  },
}

/** to_regclass and its like: null where the cast would fail because the name is not there. */
function toReg(kind: string): ContextDefinition {
  return {
    context: (context, name: string) => {
      try {
        return context.lookup.regNameToOid(kind, name)
      } catch (error) {
        if (error instanceof SqlError && /^(42P01|42883|42704|3F000|42725)$/.test(error.code)) return null
        throw error
      }
    },
  }
}

const kindsOfReg = [
  'regclass',
  'regtype',
  'regproc',
  'regprocedure',
  'regoper',
  'regoperator',
  'regrole',
  'regnamespace',
  'regcollation',
]

const types: Definitions = {
  'format_type(oid,int4)': {
    context: (context, oid: number | null, typmod: number | null) =>
      oid === null ? null : formatType(context.lookup, oid, typmod),
  },
  'pg_typeof(any)': {
    specialise:
      ([type = 0]) =>
      () =>
        type,
  },
  'pg_collation_for(any)': {
    specialise: () => (_context, value: Value) => (value === null ? null : '"default"'),
  },
  'pg_column_size(any)': {
    specialise:
      ([type = 0]) =>
      (context, value: NonNullable<Value>) =>
        columnSize(context, type, value),
  },
  'pg_column_compression(any)': { specialise: () => () => null },
  ...collect(kindsOfReg.map((kind): [string, Definition] => [`to_${kind}(text)`, toReg(kind)])),
}

/** Bytes that PostgreSQL would store: the type's fixed length, or text with its short or long length word. */
function columnSize(context: FunctionContext, type: number, value: NonNullable<Value>): number {
  const { length } = context.lookup.type(type)
  if (length > 0) return length
  const bytes = value instanceof Buffer ? value.length : Buffer.byteLength(outputText(context, type, value))
  return bytes < 127 ? bytes + 1 : bytes + 4
}

/** 'name=value' entries of pg_class.reloptions and the like. */
function optionRows(options: ArrayValue): Row[] {
  return options.elements.map((option) => {
    const text = String(option)
    const at = text.indexOf('=')
    return at < 0 ? [text, null] : [text.slice(0, at), text.slice(at + 1)]
  })
}

const categories = {
  U: 'unreserved',
  C: 'unreserved (cannot be function or type name)',
  T: 'reserved (can be function or type name)',
  R: 'reserved',
} as const

const relations: Definitions = {
  'pg_tablespace_location(oid)': {
    context: (context, oid: number) => context.services.catalog.tablespaceLocation(oid),
  },
  'pg_relation_filenode(regclass)': {
    context: (context, oid: number) => context.services.catalog.relationFilenode(oid),
  },
  'pg_relation_filepath(regclass)': {
    context: (context, oid: number) => context.services.catalog.relationFilepath(oid),
  },
  // Ordinary permanent tables can be published; what is computed or belongs to the system cannot.
  'pg_relation_is_publishable(regclass)': {
    context: (context: FunctionContext, relation: number) => context.services.catalog.isPublishable(relation),
  },
  'pg_relation_is_updatable(regclass,bool)': {
    context: (context, oid: number, triggers: boolean) =>
      context.services.catalog.relationUpdatability(oid, triggers),
  },
  'pg_column_is_updatable(regclass,int2,bool)': {
    context: (context, oid: number, column: number, triggers: boolean) =>
      column > 0 && (context.services.catalog.relationUpdatability(oid, triggers) & 20) === 20,
  },
  'pg_index_has_property(regclass,text)': {
    context: (context, oid: number, property: string) =>
      context.services.catalog.isIndexProperty(oid, 0, property),
  },
  'pg_index_column_has_property(regclass,int4,text)': {
    context: (context, oid: number, column: number, property: string) =>
      context.services.catalog.isIndexProperty(oid, column, property),
  },
  'pg_indexam_has_property(oid,text)': {
    context: (context, oid: number, property: string) =>
      context.services.catalog.isAccessMethodProperty(oid, property),
  },
  'pg_collation_actual_version(oid)': {
    context: (context, oid: number) => context.services.catalog.collationVersion(oid),
  },
  'pg_my_temp_schema()': { context: (context) => context.services.catalog.temporarySchema() },
  'pg_is_other_temp_schema(oid)': {
    context: (context, oid: number) =>
      oid !== context.services.catalog.temporarySchema() &&
      /^pg_(toast_)?temp_/.test(context.lookup.regOidToName('regnamespace', oid)),
  },
  'pg_partition_root(regclass)': {
    context: (context, oid: number) => context.services.catalog.partitionAncestors(oid).at(-1) ?? null,
  },
}

const sets: Definitions = {
  'pg_partition_ancestors(regclass)': {
    rows: (context, oid: number) => context.services.catalog.partitionAncestors(oid),
  },
  'pg_partition_tree(regclass)': {
    rows: (context, oid: number) => context.services.catalog.partitionTree(oid),
  },
  'pg_sequence_parameters(oid)': {
    rows: (context, oid: number) => [context.services.sequences.parameters(oid)],
  },
  'pg_identify_object(oid,oid,int4)': {
    rows: (context, catalog: number, oid: number, column: number): Row[] => [
      [...context.services.catalog.identifyObject(catalog, oid, column)],
    ],
  },
  'pg_options_to_table(_text)': { rows: (_context, options: ArrayValue) => optionRows(options) },
  'pg_get_keywords()': {
    rows: () =>
      keywords.map(({ word, category, isBareLabel }): Row => {
        const bareLabel = isBareLabel ? 'can be bare label' : 'requires AS'
        return [word, category, isBareLabel, categories[category], bareLabel]
      }),
  },
}

export const catalogFunctions: Definitions = {
  ...collect(visible()),
  ...definitions,
  ...views,
  ...routines,
  ...comments,
  ...types,
  ...relations,
  ...sets,
}
