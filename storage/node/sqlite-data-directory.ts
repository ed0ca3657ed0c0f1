// A data directory on disk and the lock that keeps a second process out. The only file here, beside the SQLite store,
// that touches the file system.
//
//   DIR/borealis.json       {"format":1,"nodes":6}: written once, last, when the directory is created
//   DIR/lock                an empty SQLite file whose exclusive lock the owner holds
//   DIR/pid                 process id of the owner, for the message that refuses others
//   DIR/node-1 … node-6     one storage node each: segments.sqlite and SQLite's own segments.sqlite-wal
//   DIR/az1-hot … az3-hot   the hot logs of a zone's nodes
//
// The lock is the operating system's lock on the file `lock`, taken through SQLite: it vanishes with the process however
// that ends, so there is no stale lock to take over and nothing to race for. `pid` is only for reading.

import Database from 'better-sqlite3'
import {
  accessSync,
  constants,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join, resolve } from 'node:path'

import { StorageError } from '../base/errors.ts'

export const DIRECTORY_FORMAT_VERSION = 1

export interface DataDirectory {
  readonly path: string
  /** Path of a node's SQLite file; nodes count from 1. */
  nodeFile(node: number): string
  /** Path of the file with the hot logs of a zone's nodes. */
  zoneFile(zone: string): string
  /** Lets another process in. */
  unlock(): void
}

/**
 * Opens or creates the directory for this many nodes and locks it. Throws StorageError: 'locked' naming the owner,
 * 'not-writable', 'version'.
 */
export function openDataDirectory(directory: string, nodeCount: number): DataDirectory {
  const path = resolve(directory)
  makeDirectory(path)
  const lock = takeLock(path)
  try {
    checkFormat(path, nodeCount)
    for (let node = 1; node <= nodeCount; node++) makeDirectory(join(path, `node-${node}`))
  } catch (error) {
    lock.close()
    throw error
  }
  return {
    path,
    nodeFile: (node) => join(path, `node-${node}`, 'segments.sqlite'),
    zoneFile: (zone) => join(path, `${zone}-hot`),
    unlock: () => void lock.close(),
  }
}

/** Creates a directory and its parents where they are missing. Throws StorageError 'not-writable'. */
export function makeDirectory(path: string): void {
  try {
    makeMissing(path)
    accessSync(path, constants.R_OK | constants.W_OK | constants.X_OK)
  } catch (error) {
    throw notWritable(path, error)
  }
}

/** Parents first, one by one: where a parent is there but takes no child (/proc), mkdir's own recursion never ends. */
function makeMissing(path: string): void {
  if (existsSync(path)) return
  makeMissing(dirname(path))
  mkdirSync(path, { mode: 0o700 })
}

/** Takes the lock of a directory; closing it gives it back. Throws StorageError 'locked' or 'not-writable'. */
export function takeLock(path: string): Database.Database {
  let lock: Database.Database | undefined
  try {
    lock = new Database(join(path, 'lock'), { timeout: 0 })
    lock.pragma('locking_mode = EXCLUSIVE')
    lock.pragma('journal_mode = DELETE')
    lock.exec('BEGIN EXCLUSIVE')
    writeFileSync(join(path, 'pid'), `${process.pid}\n`)
    return lock
  } catch (error) {
    lock?.close()
    const isBusy = error instanceof Error && 'code' in error && String(error.code).startsWith('SQLITE_BUSY')
    if (isBusy)
      throw new StorageError('locked', `data directory ${path} is in use by process ${readPid(path)}`)
    throw notWritable(path, error)
  }
}

function readPid(path: string): string {
  try {
    return readFileSync(join(path, 'pid'), 'utf8').trim()
  } catch {
    return '(unknown)'
  }
}

function checkFormat(path: string, nodeCount: number): void {
  const file = join(path, 'borealis.json')
  if (!existsSync(file)) {
    try {
      writeFileSync(
        `${file}.new`,
        `${JSON.stringify({ format: DIRECTORY_FORMAT_VERSION, nodes: nodeCount })}\n`,
      )
      renameSync(`${file}.new`, file)
    } catch (error) {
      throw notWritable(path, error)
    }
    return
  }
  const { format, nodes } = readFormat(file)
  if (format !== DIRECTORY_FORMAT_VERSION) {
    throw new StorageError(
      'version',
      `data directory ${path} has format ${String(format)}, expected ${DIRECTORY_FORMAT_VERSION}`,
    )
  }
  if (nodes !== nodeCount) {
    const message = `data directory ${path} was created for ${String(nodes)} storage nodes and cannot be opened with ${nodeCount}`
    throw new StorageError('version', message)
  }
}

function readFormat(file: string): { format: unknown; nodes: unknown } {
  try {
    const read: unknown = JSON.parse(readFileSync(file, 'utf8'))
    if (typeof read === 'object' && read !== null && 'format' in read && 'nodes' in read) return read
  } catch (error) {
    throw new StorageError(
      'corrupt',
      `${file} cannot be read: ${error instanceof Error ? error.message : 'unknown'}`,
    )
  }
  throw new StorageError('corrupt', `${file} does not describe a data directory`)
}

/** The error of a directory that cannot be written. */
export function notWritable(path: string, error: unknown): StorageError {
  const why = error instanceof Error ? error.message : String(error)
  const isFull = error instanceof Error && 'code' in error && error.code === 'ENOSPC'
  if (isFull) return new StorageError('disk-full', `no space left for data directory ${path}`)
  return new StorageError('not-writable', `data directory ${path} cannot be written: ${why}`)
}
