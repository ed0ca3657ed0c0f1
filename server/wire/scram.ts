// The server's side of SCRAM-SHA-256 (RFC 5802, RFC 7677), as PostgreSQL speaks it (documentation, section 55.3.1).
//
//   client  n,,n=,r=<client nonce>                           ─▶
//           ◀─  r=<both nonces>,s=<salt>,i=<iterations>         server
//   client  c=biws,r=<both nonces>,p=<proof>                 ─▶
//           ◀─  v=<server signature>                            server
//
// The verifier in pg_authid.rolpassword is `SCRAM-SHA-256$<iterations>:<salt>$<StoredKey>:<ServerKey>` (base64 parts).
// A role that does not exist, or has no such verifier, gets a made-up challenge that is the same at every attempt, so
// that a stranger cannot tell. Channel binding (-PLUS) is not offered; a client that could have used it is told so.

import { createHash, createHmac, pbkdf2Sync, randomBytes, timingSafeEqual } from 'node:crypto'
import type { SqlError } from '../../sql/types/sql-error.ts'
import { fatal } from './wire-error.ts'

export const SCRAM_MECHANISM = 'SCRAM-SHA-256'

const KEY_SIZE_BYTES = 32
const SALT_SIZE_BYTES = 16
const NONCE_SIZE_BYTES = 18
const ITERATIONS_DEFAULT = 4096
const VERIFIER = /^SCRAM-SHA-256\$(\d{1,9}):([A-Za-z0-9+/=]+)\$([A-Za-z0-9+/=]+):([A-Za-z0-9+/=]+)$/

export interface ScramVerifier {
  readonly iterations: number
  readonly salt: Buffer
  readonly storedKey: Buffer
  readonly serverKey: Buffer
}

/** Reads a verifier, or returns undefined if the text is none. */
export function parseScramVerifier(text: string): ScramVerifier | undefined {
  const match = VERIFIER.exec(text)
  if (match === null) return undefined
  const [, iterations = '', salt = '', stored = '', server = ''] = match
  const storedKey = Buffer.from(stored, 'base64')
  const serverKey = Buffer.from(server, 'base64')
  if (storedKey.length !== KEY_SIZE_BYTES || serverKey.length !== KEY_SIZE_BYTES) return undefined
  return { iterations: Number(iterations), salt: Buffer.from(salt, 'base64'), storedKey, serverKey }
}

/** Whether `password` is the one the verifier was made of (for cleartext authentication). */
export function passwordMatchesScram(password: string, verifier: ScramVerifier): boolean {
  const salted = pbkdf2Sync(
    password.normalize('NFKC'),
    verifier.salt,
    verifier.iterations,
    KEY_SIZE_BYTES,
    'sha256',
  )
  return timingSafeEqual(hmac(salted, 'Server Key'), verifier.serverKey)
}

/** A made-up verifier for `user`, no password of which is known; the same one while `secret` lives. */
export function mockVerifier(user: string, secret: Buffer): ScramVerifier {
  const salt = hmac(secret, user).subarray(0, SALT_SIZE_BYTES)
  const key = Buffer.alloc(KEY_SIZE_BYTES)
  return { iterations: ITERATIONS_DEFAULT, salt, storedKey: key, serverKey: key }
}

/** One exchange: `first` answers client-first, `final` client-final. */
export class ScramExchange {
  readonly #verifier: ScramVerifier
  /** A doomed exchange goes through all motions and fails at the end. */
  readonly #isDoomed: boolean
  readonly #serverNonce: string
  #clientFirstBare = ''
  #header = ''
  #serverFirst = ''
  #nonce = ''

  constructor(verifier: ScramVerifier, isDoomed: boolean, serverNonce?: string) {
    this.#verifier = verifier
    this.#isDoomed = isDoomed
    this.#serverNonce = serverNonce ?? randomBytes(NONCE_SIZE_BYTES).toString('base64')
  }

  /** Returns server-first-message. Throws SqlError FATAL 08P01 for what is not SCRAM. */
  first(message: string): string {
    const flag = message[0]
    if (flag === 'p') {
      throw malformed(
        'The client selected SCRAM-SHA-256 without channel binding, but the message includes channel binding data.',
      )
    }
    if (flag !== 'n' && flag !== 'y') {
      throw malformed(`Unexpected channel-binding flag "${flag === undefined ? '' : flag}".`)
    }
    const match = /^([ny],,)((?:n=[^,]*),r=([\x21-\x2b\x2d-\x7e]+)(?:,.*)?)$/s.exec(message)
    if (match === null) {
      if (/^[ny],a=/.test(message))
        throw fatal('0A000', 'client uses authorization identity, but it is not supported')
      if (/^[ny],,m=/.test(message)) throw fatal('0A000', 'client requires an unsupported SCRAM extension')
      throw malformed('Malformed client-first-message.')
    }
    const [, header = '', bare = '', clientNonce = ''] = match
    this.#header = header
    this.#clientFirstBare = bare
    this.#nonce = clientNonce + this.#serverNonce
    const { salt, iterations } = this.#verifier
    this.#serverFirst = `r=${this.#nonce},s=${salt.toString('base64')},i=${iterations}`
    return this.#serverFirst
  }

  /** Returns server-final-message, or undefined if the proof is wrong. Throws SqlError FATAL 08P01 as `first` does. */
  final(message: string): string | undefined {
    const match = /^(c=([A-Za-z0-9+/=]*),r=([^,]*)(?:,.*?)?),p=([A-Za-z0-9+/=]+)$/s.exec(message)
    if (match === null) throw malformed('Malformed client-final-message.')
    const [, withoutProof = '', binding = '', nonce = '', proofText = ''] = match
    if (Buffer.from(binding, 'base64').toString('latin1') !== this.#header) {
      throw fatal('08P01', 'unexpected SCRAM channel-binding attribute in client-final-message')
    }
    if (nonce !== this.#nonce) {
      throw fatal('08P01', 'invalid SCRAM response', { detail: 'Nonce does not match.' })
    }
    const proof = Buffer.from(proofText, 'base64')
    if (proof.length !== KEY_SIZE_BYTES) throw malformed('Malformed proof in client-final-message.')
    const { storedKey, serverKey } = this.#verifier
    const authMessage = `${this.#clientFirstBare},${this.#serverFirst},${withoutProof}`
    const signature = hmac(storedKey, authMessage)
    const clientKey = Buffer.alloc(KEY_SIZE_BYTES)
    for (let i = 0; i < KEY_SIZE_BYTES; i++) clientKey[i] = (proof[i] as number) ^ (signature[i] as number)
    const isRight = timingSafeEqual(createHash('sha256').update(clientKey).digest(), storedKey)
    if (!isRight || this.#isDoomed) return undefined
    return `v=${hmac(serverKey, authMessage).toString('base64')}`
  }
}

function hmac(key: Buffer, text: string): Buffer {
  return createHmac('sha256', key).update(text).digest()
}

function malformed(detail: string): SqlError {
  return fatal('08P01', 'malformed SCRAM message', { detail })
}
