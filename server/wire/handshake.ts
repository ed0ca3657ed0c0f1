// From an accepted socket to an open session (PostgreSQL documentation, section 55.2.1).
//
//   [GSSENCRequest → 'N'] [SSLRequest → 'S', TLS | 'N']      each at most once, in any order
//   CancelRequest → handled, closed
//   StartupMessage → [NegotiateProtocolVersion] → authentication → AuthenticationOk
//                  → ParameterStatus... → BackendKeyData → ReadyForQuery
//
// Everything here may wait, so it is written with async/await; the message loop that follows is not.

import type { SecureContext } from 'node:tls'
import type { Clock } from '../../storage/base/env.ts'
import type { Backend, Session } from '../../sql/session/session.ts'
import type { SqlError } from '../../sql/types/sql-error.ts'
import { type AuthChannel, type AuthMethod, authenticate } from './authentication.ts'
import { AUTH_MESSAGE_SIZE_BYTES_MAX } from '../limits.ts'
import { MessageBody } from './message-body.ts'
import { BAD_LENGTH, INCOMPLETE } from './message-reader.ts'
import type { MessageSink } from './message-sink.ts'
import {
  CANCEL_REQUEST,
  GSSENC_REQUEST,
  PROTOCOL_NEWEST,
  readStartupPacket,
  SSL_REQUEST,
  type StartupPacket,
} from './startup-packet.ts'
import type { Transport } from './transport.ts'
import { fatal } from './wire-error.ts'

const PASSWORD_MESSAGE = 0x70 // 'p'
const YES = Buffer.from('S')
const NO = Buffer.from('N')

/** What a handshake needs of the server it belongs to. */
export interface HandshakeHost {
  readonly backend: Backend
  readonly clock: Clock
  readonly authMethod: AuthMethod
  readonly secureContext: SecureContext | undefined
  /** Cancels what the connection with this key runs; a wrong key is ignored. */
  cancel(processId: number, secret: number): void
  /** Takes a connection slot, or throws SqlError FATAL 53300. */
  admit(processId: number): void
  /** Throws SqlError FATAL 53300 if only reserved slots are left. */
  checkReserved(isSuperuser: boolean): void
}

/** A session that is ready for its first query. */
export interface Greeting {
  readonly session: Session
  readonly user: string
  readonly database: string
}

/** The client went away, or sent what deserves no answer: the connection is closed without one. */
export class ClientGone extends Error {}

/** Runs the handshake. Undefined: it was a CancelRequest. Throws SqlError FATAL, or ClientGone. */
export async function shakeHands(
  transport: Transport,
  sink: MessageSink,
  key: { readonly processId: number; readonly secret: number; terminate(reason: SqlError): void },
  host: HandshakeHost,
): Promise<Greeting | undefined> {
  const packet = await receiveStartup(transport, host)
  if (packet === undefined) return undefined
  if (packet.needsNegotiation) sink.negotiateProtocolVersion(PROTOCOL_NEWEST, packet.unknownOptions)
  host.admit(key.processId)

  const { user, database, parameters } = packet
  const login = await host.backend.roleLogin(user)
  const channel = authChannel(transport, sink)
  await authenticate(channel, host.authMethod, user, login, host.clock.wallMicros())
  host.checkReserved(login?.isSuperuser ?? false)
  const { remoteAddress } = transport
  const { processId } = key
  const session = await host.backend.connect({
    user,
    database,
    parameters,
    processId,
    remoteAddress,
    sink,
    terminate: (reason) => key.terminate(reason),
  })
  sink.backendKeyData(processId, key.secret)
  sink.ready(session.transactionStatus)
  return { session, user, database }
}

/** Answers requests that precede the startup packet, then reads it. Undefined: it was a CancelRequest. */
async function receiveStartup(transport: Transport, host: HandshakeHost): Promise<StartupPacket | undefined> {
  const { reader } = transport
  const body = new MessageBody()
  let mayAskTls = true
  let mayAskGss = true
  for (;;) {
    const code = await nextStartup(transport)
    if (code === SSL_REQUEST && mayAskTls) {
      mayAskTls = false
      if (host.secureContext === undefined || transport.isSecure) transport.write(NO)
      else await startTls(transport, host.secureContext)
    } else if (code === GSSENC_REQUEST && mayAskGss) {
      mayAskGss = false
      transport.write(NO)
    } else if (code === CANCEL_REQUEST) {
      body.reset(reader.buffer, reader.start, reader.end)
      if (body.end - body.at === 8) host.cancel(body.int32(), body.int32())
      return undefined
    } else {
      body.reset(reader.buffer, reader.start, reader.end)
      return readStartupPacket(code, body)
    }
  }
}

async function startTls(transport: Transport, secureContext: SecureContext): Promise<void> {
  if (transport.reader.waiting > 0) {
    // Someone in the middle may have put these bytes before the client's encrypted ones (CVE-2021-23214).
    throw fatal('08P01', 'received unencrypted data after SSL request', {
      detail:
        'This could be either a client-software bug or evidence of an attempted man-in-the-middle attack.',
    })
  }
  transport.write(YES)
  await transport.secure(secureContext)
}

async function nextStartup(transport: Transport): Promise<number> {
  for (;;) {
    const code = transport.reader.nextStartup()
    if (code === BAD_LENGTH) throw new ClientGone('invalid length of startup packet')
    if (code !== INCOMPLETE) return code
    if (transport.hasEnded) throw new ClientGone('the client left before its startup packet was complete')
    await transport.more()
  }
}

function authChannel(transport: Transport, sink: MessageSink): AuthChannel {
  const { reader } = transport
  const body = new MessageBody()
  return {
    sink,
    async ask(expected) {
      await sink.flush()
      for (;;) {
        const type = reader.next(AUTH_MESSAGE_SIZE_BYTES_MAX)
        if (type === BAD_LENGTH) throw new ClientGone('invalid length of an authentication message')
        if (type !== INCOMPLETE) {
          if (type !== PASSWORD_MESSAGE) {
            throw fatal('08P01', `expected ${expected} response, got message type ${type}`)
          }
          body.reset(reader.buffer, reader.start, reader.end)
          return body
        }
        if (transport.hasEnded) throw new ClientGone('the client left during authentication')
        await transport.more()
      }
    },
  }
}
