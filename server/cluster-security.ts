// What keeps strangers out of a cluster: the shared secret, and TLS between the processes where it is configured.

import { readFileSync } from 'node:fs'
import { connect as connectPlain, type Socket } from 'node:net'
import { connect as connectTls, createSecureContext, type SecureContext, TLSSocket } from 'node:tls'

import type { ClusterSecurityOptions } from './cluster-security-options.ts'
import { StartError } from './listener.ts'
import type { StorageAddress } from './storage-address.ts'

export interface ClusterSecurity {
  readonly secret: string | undefined
  /** Undefined: connections are plain. */
  readonly tls: { readonly context: SecureContext; readonly hasAuthority: boolean } | undefined
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
    const context = createSecureContext({
      cert: read(storageTlsCert),
      key: read(storageTlsKey),
      ca: read(storageTlsCa),
      minVersion: 'TLSv1.3',
    })
    return { secret: options.clusterSecret, tls: { context, hasAuthority: storageTlsCa !== undefined } }
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error)
    throw new StartError(`cannot use the TLS files of the storage connections: ${why}`)
  }
}

/** Begins a connection; `connected` is called when it may be spoken over. */
export function dial(address: StorageAddress, security: ClusterSecurity, connected: () => void): Socket {
  const { host, port } = address
  if (security.tls === undefined) {
    const socket = connectPlain({ host, port, noDelay: true })
    socket.once('connect', connected)
    return socket
  }
  const socket = connectTls({ host, port, secureContext: security.tls.context })
  socket.once('secureConnect', connected)
  return socket
}

/** The listening side of `dial`. Where an authority is configured, the other side must show a certificate of it, too. */
export function secureAccepted(socket: Socket, security: ClusterSecurity): Socket {
  const { tls } = security
  if (tls === undefined) return socket
  const secured = new TLSSocket(socket, {
    isServer: true,
    secureContext: tls.context,
    requestCert: tls.hasAuthority,
    rejectUnauthorized: tls.hasAuthority,
  })
  socket.on('error', () => secured.destroy())
  socket.on('close', () => secured.destroy())
  return secured
}
