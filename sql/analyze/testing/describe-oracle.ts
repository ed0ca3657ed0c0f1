// What PostgreSQL says about a statement when it only parses and describes it: parameter and column types, or the error.

import pg from 'pg'
import type { Catalog } from '../../catalog/catalog.ts'
import type { AnalysedStatement } from '../../tree/query.ts'
import { SqlError } from '../../types/sql-error.ts'

/** One line for a success, one for an error: comparable as text. */
export type Description = string

interface Wire {
  parse(message: { name: string; text: string; types: number[] }, more: boolean): void
  describe(message: { type: string; name: string }, more: boolean): void
  sync(): void
  on(event: string, listener: (message: never) => void): void
  removeAllListeners(event: string): void
}

interface Field {
  readonly name: string
  readonly dataTypeID: number
  readonly dataTypeModifier: number
}

export class DescribeOracle {
  readonly client: pg.Client

  constructor(client: pg.Client) {
    this.client = client
  }

  /** Opens a connection, in a transaction that is never committed, and runs a script of DDL there. */
  static async open(schema: string, script: string): Promise<DescribeOracle> {
    const port = Number(process.env['BOREALIS_TEST_PG'])
    const client = new pg.Client({ host: '127.0.0.1', port, user: 'postgres', database: 'postgres' })
    await client.connect()
    await client.query(`drop schema if exists ${schema} cascade; create schema ${schema}`)
    await client.query(`set search_path = ${schema}; set timezone = 'UTC'`)
    await client.query(script)
    return new DescribeOracle(client)
  }

  async close(schema: string): Promise<void> {
    await this.client.query(`drop schema ${schema} cascade`)
    await this.client.end()
  }

  /** Type oids at or above 16384 are shown as `created`: they differ from run to run. */
  describe(text: string): Promise<Description> {
    const wire = (this.client as unknown as { connection: Wire }).connection
    return new Promise((resolve) => {
      let parameters: readonly number[] = []
      let fields: readonly Field[] = []
      let failure: Description | undefined
      const events = [
        'parameterDescription',
        'rowDescription',
        'noData',
        'errorMessage',
        'readyForQuery',
        'parseComplete',
      ]
      const kept = events.map(
        (event) =>
          [
            event,
            (wire as unknown as { listeners(e: string): ((m: never) => void)[] }).listeners(event),
          ] as const,
      )
      for (const event of events) wire.removeAllListeners(event)
      wire.on(
        'parameterDescription',
        (message: { dataTypeIDs: number[] }) => (parameters = message.dataTypeIDs),
      )
      wire.on('rowDescription', (message: { fields: Field[] }) => (fields = message.fields))
      wire.on('errorMessage', (error: pg.DatabaseError) => {
        failure = describeError({
          code: error.code ?? '',
          message: error.message,
          detail: error.detail,
          hint: error.hint,
          position: error.position === undefined ? undefined : Number(error.position),
        })
      })
      wire.on('readyForQuery', () => {
        for (const event of events) wire.removeAllListeners(event)
        for (const [event, listeners] of kept) for (const listener of listeners) wire.on(event, listener)
        resolve(failure ?? describeResult(parameters, fields))
      })
      wire.parse({ name: '', text, types: [] }, true)
      wire.describe({ type: 'S', name: '' }, true)
      wire.sync()
    })
  }
}

const typeName = (oid: number): string => (oid >= 16384 ? 'created' : String(oid))

function describeResult(parameters: readonly number[], fields: readonly Field[]): Description {
  const columns = fields.map(({ name, dataTypeID, dataTypeModifier }) => {
    return `${name} ${typeName(dataTypeID)}${dataTypeModifier === -1 ? '' : `(${dataTypeModifier})`}`
  })
  return `(${parameters.map(typeName).join(', ')}) -> ${columns.join(', ')}`
}

interface ErrorParts {
  readonly code: string
  readonly message: string
  readonly detail?: string | undefined
  readonly hint?: string | undefined
  readonly position?: number | undefined
}

function describeError({ code, message, detail, hint, position }: ErrorParts): Description {
  const parts = [`${code} ${message}`, position === undefined ? 'nowhere' : `at ${position}`]
  if (detail !== undefined) parts.push(`detail: ${detail}`)
  if (hint !== undefined) parts.push(`hint: ${hint}`)
  return parts.join(' | ')
}

/** The same line for our own analysis. */
export function describeOurs(action: () => AnalysedStatement, catalog: Catalog): Description {
  try {
    const { body, parameterTypes } = action()
    const targets = 'targets' in body ? body.targets : body.returning
    const fields = targets
      .filter((target) => !target.junk)
      .map(({ name, expr }): Field => {
        // RowDescription shows a domain's base type.
        const domain = catalog.typeEntry(expr.type)?.domain
        return domain === undefined
          ? { name, dataTypeID: expr.type, dataTypeModifier: expr.typmod }
          : { name, dataTypeID: domain.baseOid, dataTypeModifier: domain.typmod }
      })
    return describeResult(parameterTypes, fields)
  } catch (error) {
    if (!(error instanceof SqlError)) throw error
    return describeError({ code: error.code, message: error.message, ...error.fields })
  }
}
