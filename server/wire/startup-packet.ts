// The startup packet: protocol version, then pairs of names and values (PostgreSQL documentation, sections 55.2.1 and
// 55.7). Also the request codes that come in its place.

import { parseCommandLineOptions } from './command-line-options.ts'
import type { MessageBody } from './message-body.ts'
import { NAME_SIZE_BYTES_MAX } from '../limits.ts'
import { fatal } from './wire-error.ts'

export const CANCEL_REQUEST = 80877102 //  1234.5678
export const SSL_REQUEST = 80877103 //     1234.5679
export const GSSENC_REQUEST = 80877104 //  1234.5680

/** Protocol 3.0, the newest that is spoken. */
export const PROTOCOL_NEWEST = 0x0003_0000

const PROTOCOL_MAJOR = 3
/** Names with this prefix ask for protocol extensions; there are none. */
const PROTOCOL_OPTION_PREFIX = '_pq_.'

export interface StartupPacket {
  readonly user: string
  readonly database: string
  readonly parameters: ReadonlyMap<string, string>
  /** The client asked for a newer minor version or for extensions: it gets NegotiateProtocolVersion. */
  readonly needsNegotiation: boolean
  readonly unknownOptions: readonly string[]
}

/** Reads the packet behind its version. Throws SqlError FATAL. */
export function readStartupPacket(version: number, body: MessageBody): StartupPacket {
  const major = version >>> 16
  const minor = version & 0xffff
  if (major !== PROTOCOL_MAJOR) {
    throw fatal('0A000', `unsupported frontend protocol ${major}.${minor}: server supports 3.0 to 3.0`)
  }
  const parameters = new Map<string, string>()
  const unknownOptions: string[] = []
  while (body.at < body.end - 1 && body.bytes[body.at] !== 0) {
    const name = body.text()
    if (body.at >= body.end) break
    const value = body.text()
    if (name.startsWith(PROTOCOL_OPTION_PREFIX)) unknownOptions.push(name)
    else parameters.set(name, value)
  }
  if (body.at !== body.end - 1) {
    throw fatal('08P01', 'invalid startup packet layout: expected terminator as last byte')
  }
  const { user, database } = identity(parameters)
  const needsNegotiation = minor > 0 || unknownOptions.length > 0
  return { user, database, parameters: withOptions(parameters), needsNegotiation, unknownOptions }
}

/** Takes user, database and replication out of the parameters. */
function identity(parameters: Map<string, string>): { user: string; database: string } {
  const user = truncateName(parameters.get('user') ?? '')
  const database = truncateName(parameters.get('database') ?? '')
  const replication = parameters.get('replication')
  parameters.delete('user')
  parameters.delete('database')
  parameters.delete('replication')
  if (user === '') throw fatal('28000', 'no PostgreSQL user name specified in startup packet')
  if (replication !== undefined && !/^(f(a(l(s(e)?)?)?)?|no?|off?|0)$/i.test(replication)) {
    throw fatal('0A000', 'replication connections are not supported')
  }
  return { user, database: database === '' ? user : database }
}

/** Puts the settings of `options` in its place; those that the packet itself names win. */
function withOptions(parameters: Map<string, string>): ReadonlyMap<string, string> {
  const options = parameters.get('options')
  if (options === undefined) return parameters
  parameters.delete('options')
  return new Map([...parseCommandLineOptions(options), ...parameters])
}

/** Cuts a name to NAMEDATALEN - 1 bytes, never inside a character. */
function truncateName(name: string): string {
  if (name.length * 3 <= NAME_SIZE_BYTES_MAX) return name
  const bytes = Buffer.from(name)
  if (bytes.length <= NAME_SIZE_BYTES_MAX) return name
  let end = NAME_SIZE_BYTES_MAX
  while (end > 0 && ((bytes[end] as number) & 0xc0) === 0x80) end--
  return bytes.toString('utf8', 0, end)
}
