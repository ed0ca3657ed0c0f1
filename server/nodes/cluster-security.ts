// What keeps strangers out of a cluster: the shared secret, and TLS between the processes where it is configured.

import { readFileSync } from 'node:fs'
import {
  connect as connectPlain,
  createServer as createPlain,
  type Server,
  type Socket,
  type TcpSocketConnectOpts,
} from 'node:net'
import {
  connect as connectTls,
  createSecureContext,
  createServer as createTls,
  type SecureContext,
  type SecureContextOptions,
  type TLSSocket,
} from 'node:tls'

import type { ClusterSecurityOptions } from '../options/cluster-security-options.ts'
import { StorageError } from '../../storage/base/errors.ts'
import { STORAGE_DIAL_TIMEOUT_MS } from '../limits.ts'
import { StartError } from '../start-error.ts'
import type { StorageAddress } from '../options/storage-address.ts'

export interface ClusterSecurity {
  readonly secret: string | undefined
  /** Undefined: connections are plain. */
  readonly tls: ClusterTls | undefined
}

interface ClusterTls {
  readonly files: SecureContextOptions
  /** The same, loaded. */
  readonly context: SecureContext
}

/** Loads the files. Throws StartError. */
export function loadClusterSecurity(options: ClusterSecurityOptions): ClusterSecurity {
  const { storageTlsCert, storageTlsKey, storageTlsCa } = options
  if ((storageTlsCert === undefined) !== (storageTlsKey === undefined))
    throw new StartError('--storage-tls-cert and --storage-tls-key are given together or not at all')
  if (storageTlsCert === undefined && storageTlsCa === undefined)
    return { secret: options.clusterSecret, tls: undefined }
  try {
    const read = (path: string | undefined): Buffer | undefined =>
      path === undefined ? undefined : readFileSync(path)
    const files: SecureContextOptions = {
      cert: read(storageTlsCert),
      key: read(storageTlsKey),
      ca: read(storageTlsCa),
      minVersion: 'TLSv1.3',
    }
    return { secret: options.clusterSecret, tls: { files, context: createSecureContext(files) } }
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error)
    throw new StartError(`cannot use the TLS files of the storage connections: ${why}`)
  }
}

export interface DialOptions {
  readonly security: ClusterSecurity
  /** What a plain connection reads into; over TLS it is a stream. */
  readonly into: NonNullable<TcpSocketConnectOpts['onread']>
  /** Called when it may be spoken over. */
  readonly connected: () => void
}

/** Begins a connection. */
export function dial({ host, port }: StorageAddress, { security, into, connected }: DialOptions): Socket {
  if (security.tls === undefined) {
    const socket = connectPlain({ host, port, noDelay: true, onread: into })
    socket.once('connect', connected)
    return socket
  }
  const socket = connectTls({ host, port, secureContext: security.tls.context })
  socket.once('secureConnect', connected)
  return socket
}

/** What becomes of connections that the listening side of `dial` takes. */
export interface Acceptance {
  /**
   * It may be spoken over, if only to say why it is refused: where an authority is configured, the caller must show a
   * certificate of it.
   */
  accepted(socket: Socket, refusal: StorageError | undefined): void
  /** It broke before that. */
  broken(socket: Socket, error: Error): void
}

/** The listening side of `dial`. */
export function createAcceptor({ tls }: ClusterSecurity, { accepted, broken }: Acceptance): Server {
  if (tls === undefined) return createPlain({ noDelay: true }, (socket) => accepted(socket, undefined))
  const hasAuthority = tls.files.ca !== undefined
  const server = createTls({
    ...tls.files,
    noDelay: true,
    handshakeTimeout: STORAGE_DIAL_TIMEOUT_MS,
    requestCert: hasAuthority,
    // It is refused all the same, with a word that says why.
    rejectUnauthorized: false,
  })
  server.on('secureConnection', (socket) =>
    accepted(socket, hasAuthority && !socket.authorized ? certificateRefusal(socket) : undefined),
  )
  server.on('tlsClientError', (error, socket) => broken(socket, error))
  return server
}

function certificateRefusal(socket: TLSSocket): StorageError {
  const isShown = Object.keys(socket.getPeerCertificate()).length > 0
  const what = isShown ? `is not of it (${String(socket.authorizationError)})` : 'is missing'
  return new StorageError(
    'refused',
    `callers must show a certificate of the authority; that of the caller ${what}`,
  )
}
