// Scripts of raw messages that run twice, against PostgreSQL 15 and against Borealis: both must answer alike, message
// for message. A difference that is meant would be listed in EXCEPTIONS with its reason.

import { serialize } from 'pg-protocol'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startBorealis, type TestServer } from './support/borealis.ts'
import { noPostgres, startPostgres, type Postgres } from './support/postgres.ts'
import { RawClient } from './support/raw-client.ts'

const {
  parse,
  bind,
  describe: describeMessage,
  execute,
  close,
  sync,
  flush,
  query,
  copyData,
  copyDone,
  copyFail,
} = serialize

/** A message with any type and body. */
function message(type: string, body: readonly number[] | string): Buffer {
  const bytes = typeof body === 'string' ? Buffer.from(body, 'latin1') : Buffer.from(body)
  const head = Buffer.alloc(5)
  head.write(type, 'latin1')
  head.writeInt32BE(4 + bytes.length, 1)
  return Buffer.concat([head, bytes])
}

/** Sends, then waits: for so many ReadyForQuery, or for the end of the connection. */
interface Step {
  readonly send: readonly Buffer[]
  /** Default 1. 0: the server closes. A letter: the first such message. */
  readonly wait?: number | string
}

const SETUP = query('create temp table t (a int4 primary key, b text)')
const STATEMENT = (name: string): Buffer => describeMessage({ type: 'S', name })
const PORTAL = (name: string): Buffer => describeMessage({ type: 'P', name })

const SCRIPTS: Readonly<Record<string, readonly Step[]>> = {
  'several statements, one implicit transaction': [
    { send: [SETUP] },
    { send: [query("insert into t values (1, 'x'); insert into t values (1, 'y'); select 1")] },
    { send: [query('select count(*) from t')] },
    { send: [query("insert into t values (1, 'x'); commit; insert into t values (2, 'y'); select 1/0")] },
    { send: [query('select a from t order by a')] },
    { send: [query(';;')] },
    { send: [query('')] },
  ],
  'begin inside a query takes over': [
    { send: [SETUP] },
    { send: [query("insert into t values (1, 'x'); begin; insert into t values (2, 'y')")] },
    { send: [query('rollback')] },
    { send: [query('select count(*) from t')] },
  ],
  'failed block': [
    { send: [query('begin; select 1/0')] },
    { send: [query('select 1')] },
    { send: [parse({ text: 'select 1' }), sync()] },
    { send: [parse({ text: 'rollback' }), bind(), execute(), sync()] },
    { send: [query('select 1')] },
  ],
  'named and unnamed statements and portals': [
    { send: [parse({ name: 's', text: 'select $1::int4 + 1 as x' }), STATEMENT('s'), sync()] },
    {
      send: [
        bind({ statement: 's', portal: 'p', values: ['41'] }),
        PORTAL('p'),
        execute({ portal: 'p' }),
        sync(),
      ],
    },
    { send: [execute({ portal: 'p' }), sync()] },
    { send: [parse({ name: 's', text: 'select 1' }), sync()] },
    {
      send: [
        close({ type: 'S', name: 's' }),
        close({ type: 'S', name: 's' }),
        close({ type: 'P', name: 'zz' }),
        sync(),
      ],
    },
    { send: [bind({ statement: 's' }), sync()] },
    { send: [STATEMENT('s'), sync()] },
    { send: [PORTAL('p'), sync()] },
    { send: [execute({ portal: 'p' }), sync()] },
    { send: [parse({ text: 'select 1; select 2' }), sync()] },
    { send: [parse({ text: '' }), bind(), PORTAL(''), execute(), sync()] },
  ],
  'parameter types are inferred': [
    { send: [SETUP] },
    {
      send: [
        parse({ name: 'i', text: 'insert into t values ($1, $2) returning a, b' }),
        STATEMENT('i'),
        sync(),
      ],
    },
    { send: [bind({ statement: 'i', values: ['1', 'x'] }), execute(), sync()] },
    { send: [bind({ statement: 'i', values: ['1', 'x'] }), execute(), sync()] },
    { send: [bind({ statement: 'i', values: ['x', 'x'] }), execute(), sync()] },
    { send: [bind({ statement: 'i', values: ['2'] }), execute(), sync()] },
    { send: [parse({ name: 'j', text: 'select $1' }), STATEMENT('j'), sync()] },
    { send: [parse({ name: 'k', text: 'select $1, $3::int4' }), sync()] },
    { send: [parse({ name: 'l', text: 'select $2::int4 + $1', types: [20] }), STATEMENT('l'), sync()] },
    { send: [parse({ name: 'm', text: 'select $1', types: [999999] }), sync()] },
    { send: [parse({ name: 'n', text: 'update t set b = $1 where a = $2' }), STATEMENT('n'), sync()] },
  ],
  'binary both ways': [
    { send: [parse({ text: 'select $1::int4, $2::int8, $3::text, $4::bool, $5::float8' }), sync()] },
    {
      send: [
        message('B', [
          ...[0, 0, 0, 1, 0, 1, 0, 5],
          ...[0, 0, 0, 4, 0, 0, 0, 42],
          ...[0, 0, 0, 8, 255, 255, 255, 255, 255, 255, 255, 255],
          ...[0, 0, 0, 2, 104, 105, 0, 0, 0, 1, 1],
          ...[0, 0, 0, 8, 0x3f, 0xf8, 0, 0, 0, 0, 0, 0, 0, 1, 0, 1],
        ]),
        PORTAL(''),
        execute(),
        sync(),
      ],
    },
    {
      send: [
        parse({ text: 'select $1::int4' }),
        message('B', [0, 0, 0, 1, 0, 1, 0, 1, 0, 0, 0, 2, 0, 1, 0, 0]),
        sync(),
      ],
    },
    {
      send: [
        parse({ text: 'select $1::int4' }),
        message('B', [0, 0, 0, 1, 0, 7, 0, 1, 0, 0, 0, 1, 49, 0, 0]),
        sync(),
      ],
    },
    { send: [parse({ text: 'select 1' }), message('B', [0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0]), sync()] },
  ],
  'row limits': [
    { send: [query('begin')] },
    {
      send: [
        parse({ text: 'select * from generate_series(1, 5)' }),
        bind({ portal: 'p' }),
        execute({ portal: 'p', rows: 2 }),
        execute({ portal: 'p', rows: 2 }),
        sync(),
      ],
    },
    { send: [execute({ portal: 'p', rows: 2 }), execute({ portal: 'p', rows: 2 }), sync()] },
    { send: [query('commit')] },
    { send: [execute({ portal: 'p' }), sync()] },
  ],
  'a suspended portal ends with its implicit transaction': [
    {
      send: [
        parse({ text: 'select generate_series(1, 5)' }),
        bind({ portal: 'p' }),
        execute({ portal: 'p', rows: 2 }),
        sync(),
      ],
    },
    { send: [execute({ portal: 'p' }), sync()] },
  ],
  'an error skips to Sync, and undoes the batch': [
    { send: [SETUP] },
    {
      send: [
        parse({ text: "insert into t values (1, 'x')" }),
        bind(),
        execute(),
        parse({ text: 'select 1/0' }),
        bind(),
        execute(),
        parse({ text: 'select 2' }),
        query('select 3'),
        sync(),
      ],
    },
    { send: [query('select count(*) from t')] },
  ],
  'a broken message undoes the batch too': [
    { send: [SETUP] },
    {
      send: [
        parse({ text: "insert into t values (1, 'x')" }),
        bind(),
        execute(),
        message('B', 'no end'),
        sync(),
      ],
    },
    { send: [query('select count(*) from t')] },
    { send: [query('begin'), message('Q', 'no end')], wait: 2 },
    { send: [query('rollback')] },
  ],
  'a pipeline of batches': [
    { send: [SETUP] },
    {
      send: [1, 2, 2, 3].flatMap((a) => [
        parse({ text: `insert into t values (${a})` }),
        bind(),
        execute(),
        sync(),
      ]),
      wait: 4,
    },
    { send: [query('select a from t order by a')] },
  ],
  'transactions in the extended protocol': [
    { send: [SETUP] },
    {
      send: ['begin', 'insert into t values (1)']
        .flatMap((text) => [parse({ text }), bind(), execute()])
        .concat(sync()),
    },
    { send: [parse({ text: 'commit' }), bind(), execute(), sync()] },
    { send: [parse({ text: 'begin' }), bind(), execute(), sync()] },
    { send: [parse({ text: 'select 1/0' }), bind(), execute(), sync()] },
    { send: [parse({ text: 'commit' }), bind(), execute(), sync()] },
  ],
  flush: [
    { send: [parse({ text: 'select 1' }), flush()], wait: '1' },
    { send: [bind(), flush()], wait: '2' },
    { send: [execute(), sync()] },
  ],
  'copy in, simple': [
    { send: [SETUP] },
    { send: [query('copy t from stdin; select 7')], wait: 'G' },
    { send: [copyData(Buffer.from('1\tx\n2')), flush(), sync(), copyData(Buffer.from('\ty\n')), copyDone()] },
    { send: [query('copy t from stdin')], wait: 'G' },
    {
      send: [
        copyData(Buffer.from('nonsense\n')),
        copyData(Buffer.from('3\tz\n')),
        copyDone(),
        query('select 1'),
      ],
      wait: 2,
    },
    { send: [query('copy t from stdin')], wait: 'G' },
    {
      send: [copyFail('enough'), copyData(Buffer.from('late')), copyDone(), query('select count(*) from t')],
      wait: 2,
    },
  ],
  'copy in, extended': [
    { send: [SETUP] },
    { send: [parse({ text: 'copy t from stdin' }), bind(), PORTAL(''), execute(), sync()], wait: 'G' },
    { send: [copyData(Buffer.from('1\tx\n')), copyDone(), sync()] },
    { send: [parse({ text: 'copy t from stdin' }), bind(), execute(), flush()], wait: 'G' },
    { send: [copyFail('enough'), parse({ text: 'select 1' }), sync()] },
  ],
  'copy out': [
    { send: [query("copy (values (1, 'a'), (2, null)) to stdout")] },
    { send: [parse({ text: "copy (values (1, 'a')) to stdout" }), bind(), PORTAL(''), execute(), sync()] },
  ],
  'copy broken by another message': [
    { send: [SETUP] },
    { send: [query('copy t from stdin')], wait: 'G' },
    { send: [query('select 1')], wait: 0 },
  ],
  'notices and parameter changes': [
    { send: [query('drop table if exists nowhere; select 1')] },
    { send: [query("set application_name to 'x y'; set timezone to 'UTC'; set datestyle to 'ISO, DMY'")] },
    { send: [query('begin; set local application_name to z')] },
    { send: [query('rollback')] },
    { send: [query('commit')] },
  ],
  'bad bodies': [
    { send: [message('Q', 'select 1')] },
    { send: [message('Q', 'select 1\0\0')] },
    { send: [message('Q', "select '\xc3('\0")] },
    { send: [message('D', 'Xa\0'), sync()] },
    { send: [message('C', 'Xa\0'), sync()] },
    { send: [message('S', 'x')] },
    { send: [message('H', 'x'), sync()] },
    { send: [message('P', 'a\0select 1\0'), sync()] },
    { send: [message('P', 'a\0select 1\0\0\x02\0\0\0\x17'), sync()] },
    { send: [message('E', '\0\0\0'), sync()] },
    { send: [message('d', 'stray'), message('c', ''), message('f', 'x\0'), query('select 1')] },
  ],
  'an unknown type': [{ send: [message('z', '')], wait: 0 }],
  'a wrong length': [{ send: [Buffer.from([0x51, 0, 0, 0, 2])], wait: 0 }],
  terminate: [{ send: [query('select 1'), serialize.end()], wait: 0 }],
}

/** Names of scripts that are meant to differ, with the reason. */
const EXCEPTIONS: Readonly<Record<string, string>> = {}

async function play(port: number, steps: readonly Step[]): Promise<string[]> {
  // The two may have other zones by default; a change is reported, setting what is set is not.
  const client = await RawClient.login(port, { options: '-c timezone=UTC' })
  const lines: string[] = []
  for (const { send, wait = 1 } of steps) {
    client.send(...send)
    if (wait === 0) lines.push(...(await client.untilClosed()), 'closed')
    else if (typeof wait === 'string') lines.push(...(await client.until(wait)))
    else for (let i = 0; i < wait; i++) lines.push(...(await client.until('Z')))
    lines.push('──')
  }
  client.close()
  return lines
}

describe.skipIf(noPostgres !== undefined)(
  'the same messages get the same answers as from PostgreSQL 15',
  () => {
    let postgres: Postgres
    let borealis: TestServer

    beforeAll(async () => {
      ;[postgres, borealis] = await Promise.all([startPostgres(), startBorealis()])
    })

    afterAll(async () => {
      await Promise.all([postgres?.stop(), borealis?.close()])
    })

    test.each(Object.keys(SCRIPTS))('%s', async (name) => {
      const steps = SCRIPTS[name] ?? []
      const expected = await play(postgres.port, steps)
      const actual = await play(borealis.port, steps)
      if (EXCEPTIONS[name] === undefined) expect(actual).toEqual(expected)
      else expect(actual, `no longer differs: ${EXCEPTIONS[name]}`).not.toEqual(expected)
    })
  },
)
