// What PostgreSQL's grammar can say and we do not do (yet): one clear refusal for each, naming the feature.

import type { CreateExtensionStmt, DefineStmt } from 'libpg-query'
import type { NodeTag } from '../parse/ast.ts'
import { SqlError, unsupported } from '../types/sql-error.ts'
import { optionsOf, optionText } from './nodes.ts'
import type { DdlWork } from './work.ts'

const FEATURES: Partial<Record<NodeTag, string>> = {
  AlterCollationStmt: 'ALTER COLLATION',
  AlterDatabaseRefreshCollStmt: 'ALTER DATABASE REFRESH COLLATION VERSION',
  AlterEventTrigStmt: 'ALTER EVENT TRIGGER',
  AlterExtensionContentsStmt: 'ALTER EXTENSION',
  AlterExtensionStmt: 'ALTER EXTENSION',
  AlterFdwStmt: 'ALTER FOREIGN DATA WRAPPER',
  AlterForeignServerStmt: 'ALTER SERVER',
  AlterFunctionStmt: 'ALTER FUNCTION',
  AlterObjectDependsStmt: 'ALTER ... DEPENDS ON',
  AlterOpFamilyStmt: 'ALTER OPERATOR FAMILY',
  AlterOperatorStmt: 'ALTER OPERATOR',
  AlterPolicyStmt: 'row-level security (ALTER POLICY)',
  AlterPublicationStmt: 'ALTER PUBLICATION',
  AlterStatsStmt: 'ALTER STATISTICS',
  AlterSubscriptionStmt: 'ALTER SUBSCRIPTION',
  AlterSystemStmt: 'ALTER SYSTEM',
  AlterTSConfigurationStmt: 'ALTER TEXT SEARCH CONFIGURATION',
  AlterTSDictionaryStmt: 'ALTER TEXT SEARCH DICTIONARY',
  AlterTableMoveAllStmt: 'ALTER ... ALL IN TABLESPACE',
  AlterTableSpaceOptionsStmt: 'ALTER TABLESPACE',
  AlterTypeStmt: 'ALTER TYPE SET',
  AlterUserMappingStmt: 'ALTER USER MAPPING',
  CallStmt: 'CALL',
  CreateAmStmt: 'CREATE ACCESS METHOD',
  CreateCastStmt: 'CREATE CAST',
  CreateConversionStmt: 'CREATE CONVERSION',
  CreateEventTrigStmt: 'CREATE EVENT TRIGGER',
  CreateFdwStmt: 'CREATE FOREIGN DATA WRAPPER',
  CreateForeignServerStmt: 'CREATE SERVER',
  CreateForeignTableStmt: 'CREATE FOREIGN TABLE',
  CreateFunctionStmt: 'CREATE FUNCTION',
  CreateOpClassStmt: 'CREATE OPERATOR CLASS',
  CreateOpFamilyStmt: 'CREATE OPERATOR FAMILY',
  CreatePLangStmt: 'CREATE LANGUAGE',
  CreatePolicyStmt: 'row-level security (CREATE POLICY)',
  CreatePublicationStmt: 'CREATE PUBLICATION',
  CreateRangeStmt: 'CREATE TYPE AS RANGE',
  CreateStatsStmt: 'CREATE STATISTICS',
  CreateSubscriptionStmt: 'CREATE SUBSCRIPTION',
  CreateTableSpaceStmt: 'CREATE TABLESPACE',
  CreateTransformStmt: 'CREATE TRANSFORM',
  CreateTrigStmt: 'CREATE TRIGGER',
  CreateUserMappingStmt: 'CREATE USER MAPPING',
  DoStmt: 'DO',
  DropOwnedStmt: 'DROP OWNED',
  DropSubscriptionStmt: 'DROP SUBSCRIPTION',
  DropTableSpaceStmt: 'DROP TABLESPACE',
  DropUserMappingStmt: 'DROP USER MAPPING',
  ImportForeignSchemaStmt: 'IMPORT FOREIGN SCHEMA',
  LoadStmt: 'LOAD',
  ReassignOwnedStmt: 'REASSIGN OWNED',
  RefreshMatViewStmt: 'REFRESH MATERIALIZED VIEW',
  RuleStmt: 'CREATE RULE',
  SecLabelStmt: 'SECURITY LABEL',
}

/** The refusal for a statement that nothing handles. */
export function unsupportedStatement(tag: NodeTag): SqlError {
  return unsupported(FEATURES[tag] ?? tag.replace(/Stmt$/, ''))
}

const DEFINED: Readonly<Record<string, string>> = {
  OBJECT_AGGREGATE: 'CREATE AGGREGATE',
  OBJECT_OPERATOR: 'CREATE OPERATOR',
  OBJECT_TYPE: 'CREATE TYPE (base types)',
  OBJECT_COLLATION: 'CREATE COLLATION',
  OBJECT_TSPARSER: 'CREATE TEXT SEARCH PARSER',
  OBJECT_TSDICTIONARY: 'CREATE TEXT SEARCH DICTIONARY',
  OBJECT_TSTEMPLATE: 'CREATE TEXT SEARCH TEMPLATE',
  OBJECT_TSCONFIGURATION: 'CREATE TEXT SEARCH CONFIGURATION',
}

export async function define(_work: DdlWork, statement: DefineStmt): Promise<string> {
  throw unsupported(DEFINED[statement.kind ?? ''] ?? 'CREATE')
}

/** plpgsql is "there" as far as scripts that insist on it are concerned; nothing else is available. */
export async function createExtension(work: DdlWork, statement: CreateExtensionStmt): Promise<string> {
  const name = statement.extname ?? ''
  if (name === 'plpgsql') {
    if (statement.if_not_exists !== true) throw new SqlError('42710', 'extension "plpgsql" already exists')
    work.notice('extension "plpgsql" already exists, skipping', '42710')
    return 'CREATE EXTENSION'
  }
  const schema = optionsOf(statement.options).find((option) => option.defname === 'schema')
  if (schema !== undefined) work.schemaNamed(optionText(schema) ?? '')
  throw new SqlError('0A000', `extension "${name}" is not available`, {
    detail: `Borealis has no extensions of its own and cannot load PostgreSQL's.`,
    hint: 'The extension must first be installed on the system where PostgreSQL is running.',
  })
}
