// Passwords as the catalog keeps them: SCRAM-SHA-256 verifiers (RFC 5803 and 7677; documentation, section 53.8).
//
//   SCRAM-SHA-256$<iterations>:<salt>$<StoredKey>:<ServerKey>          salt and keys in base64

import { createHash, createHmac, pbkdf2Sync, randomBytes } from 'node:crypto'

const ITERATION_COUNT = 4096
const SALT_SIZE_BYTES = 16
const KEY_SIZE_BYTES = 32

/** The verifier of a password; one that is a verifier or an md5 hash already stays as it is. */
export function passwordVerifier(password: string): string {
  if (/^SCRAM-SHA-256\$\d+:[^$]+\$[^:]+:.+$/.test(password) || /^md5[0-9a-f]{32}$/.test(password))
    return password
  const salt = randomBytes(SALT_SIZE_BYTES)
  const salted = pbkdf2Sync(password.normalize('NFKC'), salt, ITERATION_COUNT, KEY_SIZE_BYTES, 'sha256')
  const hmac = (text: string): Buffer => createHmac('sha256', salted).update(text).digest()
  const storedKey = createHash('sha256').update(hmac('Client Key')).digest('base64')
  return `SCRAM-SHA-256$${ITERATION_COUNT}:${salt.toString('base64')}$${storedKey}:${hmac('Server Key').toString('base64')}`
}
