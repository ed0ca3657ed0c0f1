// Where a storage node listens, as flags and configurations write it: host:port, [::1]:port.

import { StartError } from '../start-error.ts'

export interface StorageAddress {
  readonly host: string
  readonly port: number
}

/** Reads host:port. Throws StartError. */
export function parseStorageAddress(text: string): StorageAddress {
  const match = /^(?:\[([0-9a-fA-F:.]+)\]|([^\s:[\],]+)):(\d{1,5})$/.exec(text.trim())
  const port = Number(match?.[3])
  if (match === null || port < 1 || port > 65_535)
    throw new StartError(`"${text}" is no address of a storage node: expected HOST:PORT`)
  return { host: match[1] ?? match[2] ?? '', port }
}

/** The addresses of a list with commas between them. Throws StartError. */
export function parseStorageAddresses(text: string): readonly string[] {
  const all = text.split(',').map((part) => part.trim())
  for (const address of all) parseStorageAddress(address)
  if (new Set(all).size !== all.length) throw new StartError(`"${text}" names a storage node twice`)
  return all
}
