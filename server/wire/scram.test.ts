// The example exchange of RFC 7677, section 3, and the ways to get it wrong.

import { createHash, createHmac, pbkdf2Sync } from 'node:crypto'
import { expect, test } from 'vitest'
import {
  mockVerifier,
  parseScramVerifier,
  passwordMatchesScram,
  ScramExchange,
  type ScramVerifier,
} from './scram.ts'

const CLIENT_FIRST = 'n,,n=user,r=rOprNGfwEbeRWgbNEkqO'
const SERVER_NONCE = '%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0'
const SERVER_FIRST = `r=rOprNGfwEbeRWgbNEkqO${SERVER_NONCE},s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096`
const CLIENT_FINAL = `c=biws,r=rOprNGfwEbeRWgbNEkqO${SERVER_NONCE},p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=`
const SERVER_FINAL = 'v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4='

function verifierText(): string {
  const salt = Buffer.from('W22ZaJ0SNY7soEsUEjb6gQ==', 'base64')
  const salted = pbkdf2Sync('pencil', salt, 4096, 32, 'sha256')
  const clientKey = createHmac('sha256', salted).update('Client Key').digest()
  const storedKey = createHash('sha256').update(clientKey).digest('base64')
  const serverKey = createHmac('sha256', salted).update('Server Key').digest('base64')
  return `SCRAM-SHA-256$4096:${salt.toString('base64')}$${storedKey}:${serverKey}`
}

function verifier(): ScramVerifier {
  const parsed = parseScramVerifier(verifierText())
  if (parsed === undefined) throw new Error('the verifier is well formed')
  return parsed
}

test('the exchange of RFC 7677', () => {
  const exchange = new ScramExchange(verifier(), false, SERVER_NONCE)
  expect(exchange.first(CLIENT_FIRST)).toBe(SERVER_FIRST)
  expect(exchange.final(CLIENT_FINAL)).toBe(SERVER_FINAL)
})

test('a wrong proof, and a right one for a doomed exchange, are refused alike', () => {
  const wrong = new ScramExchange(verifier(), false, SERVER_NONCE)
  wrong.first(CLIENT_FIRST)
  expect(wrong.final(CLIENT_FINAL.replace('dHzb', 'dHzc'))).toBeUndefined()
  const doomed = new ScramExchange(verifier(), true, SERVER_NONCE)
  doomed.first(CLIENT_FIRST)
  expect(doomed.final(CLIENT_FINAL)).toBeUndefined()
})

test('messages that are not SCRAM', () => {
  const first = (message: string) => () => new ScramExchange(verifier(), false, SERVER_NONCE).first(message)
  expect(first('')).toThrow('malformed SCRAM message')
  expect(first('p=tls-server-end-point,,n=,r=x')).toThrow('malformed SCRAM message')
  expect(first('n,a=admin,n=,r=x')).toThrow('authorization identity')
  expect(first('n,,n=user')).toThrow('malformed SCRAM message')
  const final = (message: string) => () => {
    const exchange = new ScramExchange(verifier(), false, SERVER_NONCE)
    exchange.first(CLIENT_FIRST)
    return exchange.final(message)
  }
  expect(final('c=biws')).toThrow('malformed SCRAM message')
  expect(final(CLIENT_FINAL.replace('rOpr', 'rOpx'))).toThrow('invalid SCRAM response')
  expect(final(CLIENT_FINAL.replace('biws', 'eSws'))).toThrow('channel-binding')
})

test('cleartext passwords against a verifier', () => {
  expect(passwordMatchesScram('pencil', verifier())).toBe(true)
  expect(passwordMatchesScram('pencils', verifier())).toBe(false)
})

test('what is no verifier', () => {
  expect(parseScramVerifier('md5c1e4d0ee2a3b1c6d8f0a5b9e7d3c2b1a')).toBeUndefined()
  expect(parseScramVerifier('SCRAM-SHA-256$4096:AAAA$AAAA:AAAA')).toBeUndefined()
})

test('a made-up challenge is the same at every attempt and differs by name', () => {
  const secret = Buffer.from('secret')
  expect(mockVerifier('a', secret).salt).toEqual(mockVerifier('a', secret).salt)
  expect(mockVerifier('a', secret).salt).not.toEqual(mockVerifier('b', secret).salt)
})
