// The flags of whatever listens, `serve` and `storage-node` alike: where its data is, where it listens, what it logs.

import { type Flag, integer, LOG_LEVELS, nonEmpty, oneOf, PORT_MAX } from './flags.ts'

export interface LogOptions {
  readonly logLevel: string
}

export interface ListenOptions extends LogOptions {
  readonly data: string
  readonly host: string
  /** 0: any free port. */
  readonly port: number
}

export const LISTEN_HOST_DEFAULT = '127.0.0.1'

/** The help of each flag tells the default. */
export function listenFlags(dataHelp: string, portDefault: number): readonly Flag<ListenOptions>[] {
  return [
    {
      name: 'data',
      placeholder: 'DIR',
      help: dataHelp,
      read: (text) => ({ data: nonEmpty(text) }),
    },
    {
      name: 'host',
      placeholder: 'H',
      help: `address to listen on (${LISTEN_HOST_DEFAULT})`,
      read: (text) => ({ host: nonEmpty(text) }),
    },
    {
      name: 'port',
      placeholder: 'N',
      help: `port; 0 takes any (${portDefault})`,
      read: (text) => ({ port: integer(text, 0, PORT_MAX) }),
    },
  ]
}

export const LOG_LEVEL_DEFAULT = 'info'

export const LOG_FLAGS: readonly Flag<LogOptions>[] = [
  {
    name: 'log-level',
    placeholder: 'LEVEL',
    help: `trace, debug, info, warn, error, fatal or silent (${LOG_LEVEL_DEFAULT})`,
    read: (text) => ({ logLevel: oneOf(text, LOG_LEVELS) }),
  },
]
