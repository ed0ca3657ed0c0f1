// `borealis branch ...` and `borealis backtrack`: thin, each is one or two statements sent to a running server; what they
// print is what those return. See --help for the words.
//
//   arguments ─▶ command and options ─▶ connect (flags, PG* variables) ─▶ statements ─▶ table or JSON

import { parseArgs } from 'node:util'
import type pg from 'pg'
import { quoteIdentifier, quoteLiteral } from '../../sql/functions/quote.ts'
import { StartError } from '../start-error.ts'
import { formatJson, formatTable, type ResultTable } from './result-table.ts'

const OPTIONS = {
  host: { type: 'string', short: 'h' },
  port: { type: 'string', short: 'p' },
  user: { type: 'string', short: 'U' },
  dbname: { type: 'string', short: 'd' },
  json: { type: 'boolean' },
  from: { type: 'string' },
  'as-of': { type: 'string' },
  ttl: { type: 'string' },
  force: { type: 'boolean' },
  table: { type: 'string' },
  'on-conflict': { type: 'string' },
} as const

type Options = Readonly<Record<string, string | boolean | undefined>>

/** A command line's statement, ready to be sent. */
interface Request {
  readonly text: string
  readonly values: readonly string[]
  /** What to say when it returns no rows. */
  readonly done?: string | undefined
}

type Command = (client: pg.Client, args: readonly string[], options: Options) => Request | Promise<Request>

const BRANCH_COMMANDS: Readonly<Record<string, Command>> = {
  create: (client, [name], options) => {
    const parts = [`CREATE DATABASE ${identifier(name)}`]
    parts.push(`TEMPLATE ${identifier(options['from'] ?? client.database)}`)
    if (options['as-of'] !== undefined) parts.push(`AS_OF ${literal(options['as-of'])}`)
    if (options['ttl'] !== undefined) parts.push(`TTL ${literal(options['ttl'])}`)
    return { text: parts.join(' '), values: [], done: `created ${String(name)}` }
  },
  list: () => ({ text: 'SELECT * FROM borealis.branches ORDER BY name', values: [] }),
  drop: (_client, [name], options) => ({
    text: `DROP DATABASE ${identifier(name)}${options['force'] === true ? ' WITH (FORCE)' : ''}`,
    values: [],
    done: `dropped ${String(name)}`,
  }),
  diff: (client, [from, to], options) => diffRequest(client, required(from), to, options['table']),
  merge: (_client, [branch], options) => ({
    text: 'SELECT * FROM borealis.merge($1, on_conflict => $2)',
    values: [required(branch), options['on-conflict'] as string],
    done: `nothing to merge from ${String(branch)}`,
  }),
}

const DIFF_DONE = 'no difference'

/** Of one table: its rows. Of all: what differs between the schemas, then how many rows of each table that both have. */
async function diffRequest(
  client: pg.Client,
  from: string,
  to: string | undefined,
  table: string | boolean | undefined,
): Promise<Request> {
  const ends = [from, to ?? client.database ?? '']
  if (typeof table === 'string') {
    const text = `SELECT change, old, new FROM borealis.diff(NULL::${qualified(table)}, $1::text, $2::text)`
    return { text, values: ends, done: DIFF_DONE }
  }
  const tables = await client.query<{ name: string }>(
    `SELECT c.oid::regclass::text AS name FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace
     WHERE relkind = 'r' AND relpersistence <> 't' AND nspname !~ '^pg_' AND nspname <> 'information_schema' ORDER BY 1`,
  )
  const counts = tables.rows.map(
    ({ name }) =>
      `SELECT change || ' rows', 'table', ${literal(name)}, count(*) FROM borealis.diff(NULL::${name}, $1::text, $2::text) GROUP BY 1`,
  )
  const schema = 'SELECT change, kind, object, NULL::bigint AS rows FROM borealis.schema_diff($1, $2)'
  return { text: [schema, ...counts].join(' UNION ALL '), values: ends, done: DIFF_DONE }
}

/** Runs `borealis branch ...` or `borealis backtrack ...`; resolves with what is to be printed. */
export async function runBranchCommand(words: readonly string[]): Promise<string> {
  const { values: options, positionals } = readArguments(words)
  const [family, ...rest] = positionals
  // Loaded only here: a server needs no client.
  const { default: driver } = await import('pg')
  const client = new driver.Client({
    host: options.host,
    port: options.port === undefined ? undefined : Number(options.port),
    user: options.user ?? process.env['PGUSER'] ?? 'postgres',
    database: options.dbname ?? process.env['PGDATABASE'] ?? 'postgres',
  })
  const [name = '', ...args] = family === 'branch' ? rest : ['backtrack', ...rest]
  const command = family === 'branch' ? BRANCH_COMMANDS[name] : backtrack
  if (command === undefined) throw new StartError(`unknown command "branch ${name}"; see --help`)
  await connect(client)
  try {
    return await send(client, await command(client, args, options), options.json === true)
  } catch (error) {
    throw error instanceof driver.DatabaseError ? asStartError(error) : error
  } finally {
    await client.end()
  }
}

const backtrack: Command = (client, [when]) => {
  const text = `ALTER DATABASE ${identifier(client.database)} BACKTRACK_TO ${literal(required(when))}`
  return { text, values: [], done: `${client.database ?? ''} is at ${String(when)}` }
}

function readArguments(words: readonly string[]): ReturnType<typeof parsed> {
  try {
    return parsed(words)
  } catch (error) {
    throw new StartError(`${error instanceof Error ? error.message : String(error)}; see --help`)
  }
}

function parsed(words: readonly string[]) {
  return parseArgs({ args: [...words], options: OPTIONS, allowPositionals: true })
}

async function connect(client: pg.Client): Promise<void> {
  try {
    await client.connect()
  } catch (error) {
    const text = error instanceof AggregateError ? error.errors.map(String).join(', ') : messageOf(error)
    throw new StartError(`no connection to ${client.host}:${client.port}: ${text}`)
  }
}

async function send(client: pg.Client, { text, values, done }: Request, isJson: boolean): Promise<string> {
  const result = await client.query<unknown[]>({ text, values: [...values], rowMode: 'array' })
  const table: ResultTable = {
    columns: (result.fields ?? []).map((field) => field.name),
    rows: result.rows ?? [],
  }
  if (isJson) return formatJson(table)
  return table.rows.length === 0 && done !== undefined ? `${done}\n` : formatTable(table)
}

function asStartError({ message, detail, hint }: pg.DatabaseError): StartError {
  const lines = [message]
  if (detail !== undefined) lines.push(`  ${detail}`)
  if (hint !== undefined) lines.push(`  ${hint}`)
  return new StartError(lines.join('\n'))
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

function required(value: string | undefined): string {
  if (value === undefined) throw new StartError('an argument is missing; see --help')
  return value
}

function identifier(name: string | boolean | undefined): string {
  if (typeof name !== 'string') throw new StartError('a name is missing; see --help')
  return quoteIdentifier(name)
}

/** A table's name as it was typed: schema.table, each part quoted. */
function qualified(name: string): string {
  return name.split('.').map(quoteIdentifier).join('.')
}

function literal(text: string | boolean): string {
  return quoteLiteral(String(text))
}
