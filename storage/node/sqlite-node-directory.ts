// The data directory of a storage node that is a process of its own, and the lock that keeps a second process out.
//
//   DIR/storage-node.json   {"format":1,"node":3,"zone":"az2"}: written once, when the directory is created
//   DIR/lock, DIR/pid       as in sqlite-data-directory.ts
//   DIR/segments.sqlite     the node's log, pages and identity, and what SQLite keeps beside it

import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'

import { StorageError } from '../base/errors.ts'
import { makeDirectory, notWritable, takeLock } from './sqlite-data-directory.ts'

const FORMAT_VERSION = 1

export interface LockedDirectory {
  readonly path: string
  /** Lets another process in. */
  unlock(): void
}

export interface NodeDirectory extends LockedDirectory {
  /** Path of the node's SQLite file. */
  readonly file: string
}

/**
 * Opens or creates the directory of a server whose storage nodes are elsewhere, and locks it. Throws StorageError as
 * openNodeDirectory does.
 */
export function openServerDirectory(directory: string): LockedDirectory {
  const path = resolve(directory)
  makeDirectory(path)
  const lock = takeLock(path)
  if (existsSync(join(path, 'borealis.json')) || existsSync(join(path, 'storage-node.json'))) {
    lock.close()
    throw new StorageError(
      'version',
      `data directory ${path} holds storage nodes; a server with --storage needs its own`,
    )
  }
  return { path, unlock: () => void lock.close() }
}

/**
 * Opens or creates the directory of this node and locks it. A directory is one node's for ever: another number or zone is
 * refused. Throws StorageError: 'locked' naming the owner, 'not-writable', 'version', 'corrupt'.
 */
export function openNodeDirectory(directory: string, node: number, zone: string): NodeDirectory {
  const path = resolve(directory)
  makeDirectory(path)
  const lock = takeLock(path)
  try {
    checkOwner(path, node, zone)
  } catch (error) {
    lock.close()
    throw error
  }
  return { path, file: join(path, 'segments.sqlite'), unlock: () => void lock.close() }
}

function checkOwner(path: string, node: number, zone: string): void {
  const file = join(path, 'storage-node.json')
  const wanted = { format: FORMAT_VERSION, node, zone }
  if (!existsSync(file)) {
    if (existsSync(join(path, 'borealis.json')))
      throw new StorageError(
        'version',
        `data directory ${path} belongs to a server with embedded storage nodes`,
      )
    try {
      writeFileSync(`${file}.new`, `${JSON.stringify(wanted)}\n`)
      renameSync(`${file}.new`, file)
    } catch (error) {
      throw notWritable(path, error)
    }
    return
  }
  const found = readOwner(file)
  for (const key of ['format', 'node', 'zone'] as const) {
    if (found[key] === wanted[key]) continue
    const message = `data directory ${path} has ${key} ${String(found[key])}, expected ${wanted[key]}`
    throw new StorageError('version', message)
  }
}

function readOwner(file: string): Readonly<Record<string, unknown>> {
  try {
    const read: unknown = JSON.parse(readFileSync(file, 'utf8'))
    if (typeof read === 'object' && read !== null) return { ...read }
  } catch (error) {
    const why = error instanceof Error ? error.message : 'unknown'
    throw new StorageError('corrupt', `${file} cannot be read: ${why}`)
  }
  throw new StorageError('corrupt', `${file} does not describe a storage node`)
}
