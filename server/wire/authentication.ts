// Decides whether a client is who it says (PostgreSQL documentation, sections 21.5 and 55.2.1).
//
//   trust          nothing is asked
//   password       AuthenticationCleartextPassword, compared with whatever verifier the role has
//   md5            AuthenticationMD5Password; a role with a SCRAM verifier gets SCRAM, as in PostgreSQL
//   scram-sha-256  AuthenticationSASL
//
// All that can be wrong with a login (no such role, no password, a wrong or an expired one) is one and the same answer:
// 28P01, "password authentication failed". The reason goes to the log only.

import { createHash, randomBytes, timingSafeEqual } from 'node:crypto'
import type { RoleLogin } from '../../sql/session/session.ts'
import type { SqlError } from '../../sql/types/sql-error.ts'
import type { MessageBody } from './message-body.ts'
import type { MessageSink } from './message-sink.ts'
import {
  SCRAM_MECHANISM,
  ScramExchange,
  mockVerifier,
  parseScramVerifier,
  passwordMatchesScram,
} from './scram.ts'
import { fatal } from './wire-error.ts'

export type AuthMethod = 'trust' | 'password' | 'md5' | 'scram-sha-256'

export const AUTH_METHODS: readonly AuthMethod[] = ['trust', 'password', 'md5', 'scram-sha-256']

/** What the exchange needs of its connection. */
export interface AuthChannel {
  readonly sink: MessageSink
  /** Sends what is buffered and waits for the client's 'p' message; rejects if another one comes. */
  ask(expected: 'password' | 'SASL'): Promise<MessageBody>
}

/** AuthenticationRequest codes. */
const AUTH_OK = 0
const AUTH_CLEARTEXT = 3
const AUTH_MD5 = 5
const AUTH_SASL = 10
const AUTH_SASL_CONTINUE = 11
const AUTH_SASL_FINAL = 12

const MD5_SALT_SIZE_BYTES = 4
const MD5_VERIFIER = /^md5[0-9a-f]{32}$/

/** Lives as long as the process: what made-up challenges are derived from. */
const MOCK_SECRET = randomBytes(32)

/** Runs the exchange and writes AuthenticationOk, or throws the SqlError FATAL that the client is to see. */
export async function authenticate(
  channel: AuthChannel,
  method: AuthMethod,
  user: string,
  login: RoleLogin | undefined,
  nowMicros: number,
): Promise<void> {
  if (method !== 'trust') {
    const password = usablePassword(login, nowMicros)
    const isScram = password !== undefined && parseScramVerifier(password) !== undefined
    if (method === 'password') await askCleartext(channel, user, password)
    else if (method === 'md5' && !isScram) await askMd5(channel, user, password)
    else await askScram(channel, user, password)
  }
  channel.sink.authentication(AUTH_OK)
  if (login === undefined) throw fatal('28000', `role "${user}" does not exist`)
  if (!login.canLogin) throw fatal('28000', `role "${user}" is not permitted to log in`)
}

/** The stored verifier, unless the role or its password is missing or expired. */
function usablePassword(login: RoleLogin | undefined, nowMicros: number): string | undefined {
  if (login?.password === undefined) return undefined
  if (login.validUntilMicros !== undefined && login.validUntilMicros < nowMicros) return undefined
  return login.password
}

async function askCleartext(channel: AuthChannel, user: string, verifier: string | undefined): Promise<void> {
  channel.sink.authentication(AUTH_CLEARTEXT)
  const password = readPassword(await channel.ask('password'))
  if (verifier === undefined || !matchesVerifier(password, user, verifier)) throw refused(user)
}

async function askMd5(channel: AuthChannel, user: string, verifier: string | undefined): Promise<void> {
  const salt = randomBytes(MD5_SALT_SIZE_BYTES)
  channel.sink.authentication(AUTH_MD5, salt)
  const answer = readPassword(await channel.ask('password'))
  if (verifier === undefined || !MD5_VERIFIER.test(verifier)) throw refused(user)
  const expected = `md5${md5(verifier.slice('md5'.length), salt)}`
  if (!equalsSecret(answer, expected)) throw refused(user)
}

async function askScram(channel: AuthChannel, user: string, password: string | undefined): Promise<void> {
  const { sink } = channel
  sink.authentication(AUTH_SASL, Buffer.from(`${SCRAM_MECHANISM}\0\0`))
  const initial = await channel.ask('SASL')
  if (initial.text() !== SCRAM_MECHANISM) {
    throw fatal('08P01', 'client selected an invalid SASL authentication mechanism')
  }
  const length = initial.int32()
  const clientFirst = length === -1 ? '' : readRest(initial, length)
  initial.finish()

  const verifier = password === undefined ? undefined : parseScramVerifier(password)
  const exchange = new ScramExchange(verifier ?? mockVerifier(user, MOCK_SECRET), verifier === undefined)
  sink.authentication(AUTH_SASL_CONTINUE, Buffer.from(exchange.first(clientFirst)))
  const response = await channel.ask('SASL')
  const serverFinal = exchange.final(readRest(response, response.end - response.at))
  if (serverFinal === undefined) throw refused(user)
  sink.authentication(AUTH_SASL_FINAL, Buffer.from(serverFinal))
}

function readRest(body: MessageBody, length: number): string {
  const start = body.skip(length)
  return body.bytes.toString('utf8', start, start + length)
}

function readPassword(body: MessageBody): string {
  const password = body.text()
  if (body.at !== body.end) throw fatal('08P01', 'invalid password packet size')
  if (password === '') throw fatal('28P01', 'empty password returned by client')
  return password
}

/** Compares a cleartext password with a verifier of any kind. */
function matchesVerifier(password: string, user: string, verifier: string): boolean {
  const scram = parseScramVerifier(verifier)
  if (scram !== undefined) return passwordMatchesScram(password, scram)
  return MD5_VERIFIER.test(verifier) && equalsSecret(md5Verifier(password, user), verifier)
}

/** PostgreSQL's md5 verifier: the password salted with the role's name. */
export function md5Verifier(password: string, user: string): string {
  return `md5${md5(password + user)}`
}

function md5(text: string, salt?: Buffer): string {
  const hash = createHash('md5').update(text)
  if (salt !== undefined) hash.update(salt)
  return hash.digest('hex')
}

function equalsSecret(a: string, b: string): boolean {
  const left = Buffer.from(a)
  const right = Buffer.from(b)
  return left.length === right.length && timingSafeEqual(left, right)
}

function refused(user: string): SqlError {
  return fatal('28P01', `password authentication failed for user "${user}"`)
}
