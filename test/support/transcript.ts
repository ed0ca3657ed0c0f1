// What a server answers to a statement, as text that two servers can be compared by: fields with their types, rows, tag,
// notices, the error with its position, and the transaction status.

import { serialize } from 'pg-protocol'
import { type RawClient, reportFields } from './raw-client.ts'
import type { ScriptStatement } from './script.ts'

/** simple: Query. extended: Parse, Bind, Describe, Execute, Sync. binary: the same, with binary results. */
export type ProtocolMode = 'simple' | 'extended' | 'binary'

/** Of an error or notice: all that names no source line. */
const REPORTED = ['S', 'C', 'M', 'D', 'H', 'P', 's', 't', 'c', 'd', 'n']

/** Runs one statement and describes the answer, a line for each message. */
export async function transcribe(
  client: RawClient,
  statement: ScriptStatement,
  mode: ProtocolMode,
): Promise<string[]> {
  client.forget()
  const { text, copyData } = statement
  if (mode === 'simple') {
    client.send(serialize.query(text))
  } else {
    const binary = mode === 'binary'
    client.send(
      serialize.parse({ text }),
      serialize.bind({ binary }),
      serialize.describe({ type: 'P' }),
      serialize.execute(),
      serialize.sync(),
    )
  }
  if (copyData !== undefined) {
    const first = await client.until('')
    if (first.length > 0) await feedCopy(client, copyData, mode)
  }
  await client.until('Z')
  const lines = client.lines.map((line, index) =>
    describe(line, client.bodies[index] ?? Buffer.alloc(0), mode),
  )
  const kept = lines.filter((line) => line !== '')
  return /\border\s+by\b/i.test(text) ? kept : sortRows(kept)
}

/** Sends the data once the server has asked for it; after an error there is nothing to send it to. */
async function feedCopy(client: RawClient, data: string, mode: ProtocolMode): Promise<void> {
  while (!client.lines.some((line) => /^[GEZ]/.test(line))) await client.until('')
  if (!client.lines.some((line) => line.startsWith('G'))) return
  client.send(serialize.copyData(Buffer.from(data)), serialize.copyDone())
  if (mode !== 'simple') client.send(serialize.sync())
}

function describe(line: string, body: Buffer, mode: ProtocolMode): string {
  switch (line[0]) {
    case 'E':
    case 'N': {
      const fields = reportFields(body)
      return `${line[0]} ${REPORTED.flatMap((code) => (fields.has(code) ? [`${code}=${fields.get(code)}`] : [])).join(' ')}`
    }
    case 'T':
      return `T ${describeFields(body)}`
    case 'D':
      return mode === 'binary' ? `D ${body.toString('hex')}` : line
    case 'd':
      return `d ${body.toString('utf8').trimEnd()}`
    // Parameter changes come at the same place, but are not part of the answer; progress messages say nothing.
    case 'S':
    case '1':
    case '2':
    case 'K':
      return ''
    default:
      return line
  }
}

/** Name, type, length and modifier of each field. Table numbers differ between servers. */
function describeFields(body: Buffer): string {
  const fields: string[] = []
  let at = 2
  for (let i = body.readInt16BE(0); i > 0; i--) {
    const end = body.indexOf(0, at)
    const facts = [
      body.readInt32BE(end + 7),
      body.readInt16BE(end + 11),
      body.readInt32BE(end + 13),
      body.readInt16BE(end + 17),
    ]
    const column = body.readInt32BE(end + 1) === 0 ? '' : `#${body.readInt16BE(end + 5)}`
    fields.push(`${body.toString('utf8', at, end)}:${facts.join(':')}${column}`)
    at = end + 19
  }
  return fields.join(' ')
}

/** Without ORDER BY, rows may come in any order. */
function sortRows(lines: readonly string[]): string[] {
  const rows = lines.filter((line) => line.startsWith('D')).toSorted()
  return lines.map((line) => (line.startsWith('D') ? (rows.shift() ?? '') : line))
}
