// PostgreSQL as the oracle of tests. The port comes from BOREALIS_TEST_PG; without it the tests that need
// PostgreSQL skip. Everything happens in one transaction of the database 'postgres' that is rolled back:
// 'now' stands still, and nothing is left behind.

import pg from 'pg'

const port: string | undefined = process.env['BOREALIS_TEST_PG']

/** Whether there is a PostgreSQL to compare with. */
export const HAS_ORACLE: boolean = port !== undefined && port !== ''

/** What a text became as a value of a type: its output and its binary form, or the error. */
export type Outcome =
  | { readonly text: string; readonly binary: string }
  | { readonly code: string; readonly message: string; readonly detail: string; readonly hint: string }

const SETUP = `
create function pg_temp.outcome(expression text, send text) returns text[] language plpgsql as $$
declare value text; bytes text; code text; message text; detail text; hint text;
begin
  execute format('select format(''%%s'', v), encode(%s(v), ''hex'') from (select %s as v) s',
    send, expression)
    into value, bytes;
  return array[value, bytes];
exception when others then
  get stacked diagnostics code = returned_sqlstate, message = message_text,
    detail = pg_exception_detail, hint = pg_exception_hint;
  return array[code, message, detail, hint];
end $$`

export class Oracle {
  readonly client: pg.Client
  /** The transaction's start, microseconds since 2000-01-01 UTC. */
  readonly nowMicros: number

  constructor(client: pg.Client, nowMicros: number) {
    this.client = client
    this.nowMicros = nowMicros
  }

  static async connect(settings: Readonly<Record<string, string>> = {}): Promise<Oracle> {
    const client = new pg.Client({
      host: '127.0.0.1',
      port: Number(port),
      user: 'postgres',
      database: 'postgres',
    })
    await client.connect()
    await client.query('begin')
    await client.query(SETUP)
    const { rows } = await client.query<{ now: string }>(
      `select (extract(epoch from now()) * 1000000 - 946684800000000)::int8::text as now`,
    )
    const oracle = new Oracle(client, Number(rows[0]?.now))
    await oracle.set({ timezone: 'UTC', ...settings })
    return oracle
  }

  async set(settings: Readonly<Record<string, string>>): Promise<void> {
    for (const [name, value] of Object.entries(settings)) {
      await this.client.query('select set_config($1, $2, false)', [name, value])
    }
  }

  /**
   * What each text is as a value of `type` ('int4', 'numeric(5,2)'); `send` is the type's binary output
   * function.
   */
  async inputs(type: string, send: string, texts: readonly string[]): Promise<Outcome[]> {
    const expressions = texts.map((text) => `${quote(text)}::${type}`)
    return this.evaluate(expressions, send)
  }

  /** What each SQL expression evaluates to. */
  async evaluate(expressions: readonly string[], send: string): Promise<Outcome[]> {
    const { rows } = await this.client.query<{ o: (string | null)[] }>(
      'select pg_temp.outcome(e, $2) as o from unnest($1::text[]) with ordinality u(e, n) order by n',
      [expressions, send],
    )
    return rows.map(({ o }) => {
      const [first, second, detail, hint] = o.map((item) => item ?? '')
      return o.length === 2
        ? { text: first ?? '', binary: second ?? '' }
        : { code: first ?? '', message: second ?? '', detail: detail ?? '', hint: hint ?? '' }
    })
  }

  async close(): Promise<void> {
    await this.client.end()
  }
}

/** A text as an SQL literal. */
export function quote(text: string): string {
  return ` E'${text.replaceAll('\\', '\\\\').replaceAll("'", "''")}'`
}
