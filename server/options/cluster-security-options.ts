// The flags that keep strangers out of a cluster, for `serve` and `storage-node` alike. What they do: cluster-security.ts.

import { type Flag, nonEmpty } from './flags.ts'

export interface ClusterSecurityOptions {
  readonly clusterSecret: string | undefined
  readonly storageTlsCert: string | undefined
  readonly storageTlsKey: string | undefined
  readonly storageTlsCa: string | undefined
}

export const CLUSTER_SECURITY_DEFAULTS: ClusterSecurityOptions = {
  clusterSecret: undefined,
  storageTlsCert: undefined,
  storageTlsKey: undefined,
  storageTlsCa: undefined,
}

export const CLUSTER_SECURITY_FLAGS: readonly Flag<ClusterSecurityOptions>[] = [
  {
    name: 'cluster-secret',
    placeholder: 'TEXT',
    help: 'what storage nodes and server prove to each other to know; better in BOREALIS_CLUSTER_SECRET (none)',
    read: (text) => ({ clusterSecret: nonEmpty(text) }),
  },
  {
    name: 'storage-tls-cert',
    placeholder: 'FILE',
    help: 'certificate chain for connections between storage nodes and server, PEM; with --storage-tls-key',
    read: (text) => ({ storageTlsCert: nonEmpty(text) }),
  },
  {
    name: 'storage-tls-key',
    placeholder: 'FILE',
    help: 'its private key, PEM',
    read: (text) => ({ storageTlsKey: nonEmpty(text) }),
  },
  {
    name: 'storage-tls-ca',
    placeholder: 'FILE',
    help: 'authority that the certificates of the other side must be of; turns TLS on, PEM',
    read: (text) => ({ storageTlsCa: nonEmpty(text) }),
  },
]
