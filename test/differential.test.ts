// Every statement of test/differential/*.sql runs on PostgreSQL 15 and on Borealis, through the simple protocol, the
// extended one, and the extended one with binary results, each time in a new database. Fields, type OIDs, rows, tag,
// notices, SQLSTATE, message, detail, hint and position must agree, but for the exceptions listed with their reason.

import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { EXCEPTIONS } from './differential/exceptions.ts'
import { startBorealis, type TestServer } from './support/borealis.ts'
import { noPostgres, startPostgres, type Postgres } from './support/postgres.ts'
import { RawClient } from './support/raw-client.ts'
import { parseScript } from './support/script.ts'
import { transcribe, type ProtocolMode } from './support/transcript.ts'

const DIRECTORY = join(dirname(fileURLToPath(import.meta.url)), 'differential')
const FILES = readdirSync(DIRECTORY).filter((name) => name.endsWith('.sql'))
const MODES: readonly ProtocolMode[] = ['simple', 'extended', 'binary']

describe.skipIf(noPostgres !== undefined)(`against PostgreSQL 15 ${noPostgres ?? ''}`, () => {
  let postgres: Postgres
  let borealis: TestServer

  beforeAll(async () => {
    ;[postgres, borealis] = await Promise.all([startPostgres(), startBorealis()])
  })

  afterAll(async () => {
    await Promise.all([postgres?.stop(), borealis?.close()])
  })

  test.each(FILES.flatMap((file) => MODES.map((mode) => [file, mode] as const)))(
    '%s, %s',
    async (file, mode) => {
      const database = `diff_${file.replace('.sql', '').replaceAll(/\W/g, '_')}_${mode}_${process.pid}`
      const statements = parseScript(readFileSync(join(DIRECTORY, file), 'utf8'))
      const [expected, actual] = await Promise.all(
        [postgres.port, borealis.port].map(async (port) => {
          const client = await openDatabase(port, database)
          const answers: string[][] = []
          for (const statement of statements) answers.push(await transcribe(client, statement, mode))
          client.close()
          return answers
        }),
      )
      const differences: string[] = []
      for (const [index, { text, line }] of statements.entries()) {
        const wanted = expected?.[index]?.join('\n')
        const got = actual?.[index]?.join('\n')
        const isListed = EXCEPTIONS.some(
          (exception) => exception.file === file && text.includes(exception.statement),
        )
        if (isListed && wanted === got && mode === 'simple')
          differences.push(`${file}:${line} no longer differs: ${text}`)
        if (!isListed && wanted !== got)
          differences.push(`${file}:${line} ${text}\n── PostgreSQL\n${wanted}\n── Borealis\n${got}\n`)
      }
      expect(differences.join('\n')).toBe('')
    },
  )
})

async function openDatabase(port: number, name: string): Promise<RawClient> {
  const admin = await RawClient.login(port)
  const created = await admin.query(`create database ${name}`)
  expect(created).toEqual(['C CREATE DATABASE', 'Z I'])
  admin.close()
  return RawClient.login(port, { database: name, options: '-c timezone=UTC' })
}
