// What a session knows of itself and its server (documentation, section 9.26): version, user, database, settings,
// backends, transactions, advisory locks, sizes, sequences, notifications. Most is asked of the session's services.

import { type Definition, type Definitions, collect } from './definition.ts'
import type { FunctionContext } from './function.ts'
import type { AdvisoryKey } from './services.ts'
import { INT4_OID, NAME_OID } from '../types/oids.ts'
import { int8High, int8Low } from '../types/int8.ts'
import { SqlError } from '../types/sql-error.ts'
import { ArrayValue, type Int8, type Value } from '../types/value.ts'

/** What version() says; server_version is its number. */
const versionText = 'PostgreSQL 15.18 on x86_64-pc-linux-gnu, compiled by gcc (Borealis), 64-bit'

function currentSetting(context: FunctionContext, name: string, missingOk = false): Value {
  return context.getSetting(name, missingOk)
}

const identity: Definitions = {
  'version()': { call: () => versionText },
  'current_database()': { context: (context) => context.currentDatabase },
  'current_user()': { context: (context) => context.currentUser },
  'session_user()': { context: (context) => context.sessionUser },
  'getpgusername()': { context: (context) => context.currentUser },
  'current_schema()': { context: (context) => context.searchPath(false)[0] ?? null },
  'current_schemas(bool)': {
    context: (context, implicit: boolean) => new ArrayValue(NAME_OID, context.searchPath(implicit)),
  },
  'current_query()': { context: (context) => context.services.backends.queryText },
  'current_setting(text)': { context: currentSetting },
  'current_setting(text,bool)': { context: currentSetting },
  'set_config(text,text,bool)': {
    context: (context, name: string | null, value: string | null, isLocal: boolean | null) => {
      if (name === null) throw new SqlError('22004', 'SET requires parameter name')
      return context.setSetting(name, value, isLocal ?? false)
    },
  },
  'pg_backend_pid()': { context: (context) => context.processId },
  'pg_is_in_recovery()': { context: (context) => context.services.backends.isInRecovery },
  'pg_jit_available()': { context: (context) => context.services.backends.isJitAvailable },
  'pg_postmaster_start_time()': { context: (context) => context.services.backends.serverStartMicros },
  'pg_conf_load_time()': { context: (context) => context.services.backends.configurationLoadMicros },
  'inet_client_addr()': { context: (context) => context.services.backends.clientAddress },
  'inet_client_port()': { context: (context) => context.services.backends.clientPort },
  'inet_server_addr()': { context: (context) => context.services.backends.serverAddress },
  'inet_server_port()': { context: (context) => context.services.backends.serverPort },
  'pg_trigger_depth()': { context: (context) => context.services.backends.triggerDepth },
}

/** Encodings by PostgreSQL's number. */
const encodings = (
  'SQL_ASCII EUC_JP EUC_CN EUC_KR EUC_TW EUC_JIS_2004 UTF8 MULE_INTERNAL LATIN1 LATIN2 LATIN3 LATIN4 LATIN5 LATIN6 ' +
  'LATIN7 LATIN8 LATIN9 LATIN10 WIN1256 WIN1258 WIN866 WIN874 KOI8R WIN1251 WIN1252 ISO_8859_5 ISO_8859_6 ' +
  'ISO_8859_7 ISO_8859_8 WIN1250 WIN1253 WIN1254 WIN1255 WIN1257 KOI8U SJIS BIG5 GBK UHC GB18030 JOHAB SHIFT_JIS_2004'
).split(' ')

/** Bytes of a character at most, where it is not one. */
const encodingLengths: Readonly<Record<string, number>> = {
  EUC_JP: 3,
  EUC_CN: 3,
  EUC_KR: 3,
  EUC_TW: 4,
  EUC_JIS_2004: 3,
  UTF8: 4,
  MULE_INTERNAL: 4,
  SJIS: 2,
  BIG5: 2,
  GBK: 2,
  UHC: 2,
  GB18030: 4,
  JOHAB: 3,
  SHIFT_JIS_2004: 2,
}

function encodingNumber(name: string): number {
  const plain = (text: string): string => text.toLowerCase().replace(/[^a-z0-9]/g, '')
  const aliases: Readonly<Record<string, string>> = {
    unicode: 'utf8',
    iso88591: 'latin1',
    iso885915: 'latin9',
  }
  const wanted = aliases[plain(name)] ?? plain(name)
  return encodings.findIndex((encoding) => plain(encoding) === wanted)
}

const encodingFunctionsOfSystem: Definitions = {
  'pg_encoding_to_char(int4)': { call: (encoding: number) => encodings[encoding] ?? '' },
  'pg_char_to_encoding(name)': { call: encodingNumber },
  'pg_encoding_max_length(int4)': {
    call: (encoding: number): Value => {
      const name = encodings[encoding]
      if (name === undefined) return null
      return encodingLengths[name] ?? 1
    },
  },
  'getdatabaseencoding()': { call: () => 'UTF8' },
  'pg_client_encoding()': { context: (context) => context.getSetting('client_encoding', true) ?? 'UTF8' },
}

const transactions: Definitions = {
  'txid_current()': { context: (context) => context.services.transactions.currentId() },
  'txid_current_if_assigned()': { context: (context) => context.services.transactions.currentIdIfAssigned() },
  'txid_status(int8)': { context: (context, id: Int8) => context.services.transactions.status(id) },
  'txid_current_snapshot()': { context: (context) => context.services.transactions.snapshotText() },
  'pg_current_xact_id()': { context: (context) => context.services.transactions.currentId() },
  'pg_current_xact_id_if_assigned()': {
    context: (context) => context.services.transactions.currentIdIfAssigned(),
  },
  'pg_xact_status(xid8)': { context: (context, id: Int8) => context.services.transactions.status(id) },
  'pg_current_snapshot()': { context: (context) => context.services.transactions.snapshotText() },
  'pg_export_snapshot()': { context: (context) => context.services.transactions.exportSnapshot() },
}

const backends: Definitions = {
  'pg_sleep(float8)': {
    context: (context, seconds: number) => {
      if (seconds > 0) context.services.backends.sleep(seconds)
      return ''
    },
  },
  'pg_cancel_backend(int4)': { context: (context, pid: number) => context.services.backends.cancel(pid) },
  'pg_terminate_backend(int4,int8)': {
    context: (context, pid: number, timeoutMs: Int8) => {
      if (timeoutMs < 0) throw new SqlError('22003', '"timeout" must not be negative')
      return context.services.backends.terminate(pid, timeoutMs)
    },
  },
  'pg_blocking_pids(int4)': {
    context: (context, pid: number) =>
      new ArrayValue(INT4_OID, context.services.backends.blockingProcessIds(pid)),
  },
  'pg_reload_conf()': { context: (context) => context.services.backends.reloadConfiguration() },
  'pg_notify(text,text)': {
    context: (context, channel: string | null, payload: string | null) => {
      context.services.notifications.notify(channel ?? '', payload ?? '')
      return ''
    },
  },
  'pg_listening_channels()': { rows: (context) => context.services.notifications.listening() },
}

const keyOfInt8 = (key: Int8): AdvisoryKey => ({
  high: int8High(key) >>> 0,
  low: int8Low(key) >>> 0,
  form: 1,
})
const keyOfPair = (high: number, low: number): AdvisoryKey => ({ high: high >>> 0, low: low >>> 0, form: 2 })

/** pg_[try_]advisory_[xact_]lock[_shared] and the unlocks, each with its two kinds of key. */
function* advisoryLocks(): Iterable<readonly [string, Definition]> {
  for (const [types, keyOf] of [
    ['int8', keyOfInt8],
    ['int4,int4', keyOfPair],
  ] as const) {
    const key = keyOf as (...args: (Int8 | number)[]) => AdvisoryKey
    for (const shared of [false, true]) {
      const suffix = shared ? '_shared' : ''
      for (const untilEndOfTransaction of [false, true]) {
        const span = untilEndOfTransaction ? 'xact_' : ''
        for (const wait of [true, false]) {
          const how = { shared, wait, untilEndOfTransaction }
          yield [
            `pg_${wait ? '' : 'try_'}advisory_${span}lock${suffix}(${types})`,
            {
              context: (context, ...args: Int8[]) => {
                const isTaken = context.services.advisoryLocks.lock(key(...args), how)
                return wait ? '' : isTaken
              },
            },
          ]
        }
      }
      yield [
        `pg_advisory_unlock${suffix}(${types})`,
        {
          context: (context, ...args: Int8[]) => context.services.advisoryLocks.unlock(key(...args), shared),
        },
      ]
    }
  }
  yield [
    'pg_advisory_unlock_all()',
    {
      context: (context) => {
        context.services.advisoryLocks.unlockAll()
        return ''
      },
    },
  ]
}

const sequences: Definitions = {
  'nextval(regclass)': { context: (context, oid: number) => context.services.sequences.nextValue(oid) },
  'currval(regclass)': { context: (context, oid: number) => context.services.sequences.currentValue(oid) },
  'lastval()': { context: (context) => context.services.sequences.lastValue() },
  'setval(regclass,int8)': {
    context: (context, oid: number, value: Int8) => context.services.sequences.setValue(oid, value, true),
  },
  'setval(regclass,int8,bool)': {
    context: (context, oid: number, value: Int8, isCalled: boolean) =>
      context.services.sequences.setValue(oid, value, isCalled),
  },
  'pg_sequence_last_value(regclass)': {
    context: (context, oid: number) => context.services.sequences.peek(oid),
  },
}

const sizes: Definitions = {
  'pg_relation_size(regclass)': {
    context: (context, oid: number) => context.services.sizes.relation(oid, 'main'),
  },
  'pg_relation_size(regclass,text)': {
    context: (context, oid: number, fork: string) => {
      if (!['main', 'fsm', 'vm', 'init'].includes(fork)) {
        throw new SqlError('22023', 'invalid fork name', {
          hint: 'Valid fork names are "main", "fsm", "vm", and "init".',
        })
      }
      return context.services.sizes.relation(oid, fork)
    },
  },
  'pg_table_size(regclass)': { context: (context, oid: number) => context.services.sizes.table(oid) },
  'pg_indexes_size(regclass)': { context: (context, oid: number) => context.services.sizes.indexes(oid) },
  'pg_total_relation_size(regclass)': {
    context: (context, oid: number) => context.services.sizes.total(oid),
  },
  'pg_database_size(name)': { context: (context, name: string) => context.services.sizes.database(name) },
  'pg_database_size(oid)': { context: (context, oid: number) => context.services.sizes.database(oid) },
  'pg_tablespace_size(name)': { context: (context, name: string) => context.services.sizes.tablespace(name) },
  'pg_tablespace_size(oid)': { context: (context, oid: number) => context.services.sizes.tablespace(oid) },
}

export const systemFunctions: Definitions = {
  ...identity,
  ...encodingFunctionsOfSystem,
  ...transactions,
  ...backends,
  ...collect(advisoryLocks()),
  ...sequences,
  ...sizes,
}
