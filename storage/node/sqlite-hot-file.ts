// The file of hot logs (hot-log.ts), made once at its full size so that a write to it changes no metadata. A node with a
// disk of its own has one, beside its SQLite file. The nodes of a zone that live in one thread share one, a region each:
// each writes its own copy of what it is sent, and one wait for the disk makes both of them durable.
//
//   alone      write ─▶ on disk when it returns
//   together   write (node 1) ─▶ write (node 4) ─▶ one fdatasync a file ─▶ both are on disk when `together` returns
//              several files are synced at the same time (sync-thread.ts)

import {
  closeSync,
  constants,
  existsSync,
  fdatasyncSync,
  fsyncSync,
  openSync,
  readSync,
  renameSync,
  writeSync,
} from 'node:fs'
import { dirname } from 'node:path'
import { getSystemErrorName } from 'node:util'

import { assert } from '../base/assert.ts'
import { StorageError } from '../base/errors.ts'
import { HOT_LOG_SIZE_BYTES, type HotFile } from './hot-log.ts'
import { SyncThread } from './sync-thread.ts'

/** Opens the hot log's file of a node with a disk of its own, or makes it when it is missing. Throws StorageError. */
export function openHotFile(path: string): HotFile {
  const shared = new SharedHotFile(path, 1)
  const { sizeBytes, write, read } = shared.region(0)
  return { sizeBytes, write, read, close: () => shared.close() }
}

/** So many turns wait for one file after the other: a start is in a hurry, and another thread would be in its way. */
const TURNS_ALONE = 50

/** The files of hot logs of one thread. */
export class HotFiles {
  readonly #files = new Map<string, SharedHotFile>()
  readonly #syncThread = new SyncThread()
  /** Turns with several files to sync. */
  #turns = 0

  /** A node's region of the file at a path, which is opened, or made when it is missing. Throws StorageError. */
  region(path: string, regionCount: number, index: number): HotFile {
    let file = this.#files.get(path)
    if (file === undefined) this.#files.set(path, (file = new SharedHotFile(path, regionCount)))
    return file.region(index)
  }

  /**
   * Runs `work`; what it writes is on disk when this returns, and not before. Throws StorageError: what was written may be
   * lost then.
   */
  together(work: () => void): void {
    for (const file of this.#files.values()) file.isTogether = true
    try {
      work()
    } finally {
      for (const file of this.#files.values()) file.isTogether = false
      this.#sync([...this.#files.values()].filter(({ isDirty }) => isDirty))
    }
  }

  #sync(files: SharedHotFile[]): void {
    if (files.length > 1) this.#turns++
    const hasThread = this.#turns > TURNS_ALONE && this.#syncThread.isReady
    const other = files.length > 1 && hasThread ? files.pop() : undefined
    other?.beginSync(this.#syncThread)
    try {
      for (const file of files) file.sync()
    } finally {
      other?.finishSync(this.#syncThread)
    }
  }

  close(): void {
    for (const file of this.#files.values()) file.close()
    this.#files.clear()
    this.#syncThread.close()
  }
}

class SharedHotFile {
  /** Writes wait for `sync`. */
  isTogether = false
  readonly #path: string
  readonly #regionCount: number
  readonly #file: number
  /** Whether something was written since the last sync. */
  isDirty = false

  /** Opens the file, or makes it when it is missing. Throws StorageError. */
  constructor(path: string, regionCount: number) {
    this.#path = path
    this.#regionCount = regionCount
    try {
      if (!existsSync(path)) makeFile(path, regionCount * HOT_LOG_SIZE_BYTES)
      // One write is durable at the least cost with O_DSYNC, several with one fdatasync behind them.
      this.#file = openSync(path, constants.O_RDWR | (regionCount === 1 ? constants.O_DSYNC : 0))
    } catch (error) {
      throw translateFileError(error, path)
    }
  }

  /** The part that one node writes to; closing it leaves the file open for the others. */
  region(index: number): HotFile {
    assert(index < this.#regionCount, 'the file has a region for each of its nodes')
    const base = index * HOT_LOG_SIZE_BYTES
    return {
      sizeBytes: HOT_LOG_SIZE_BYTES,
      write: (bytes, length, at) => this.#write(bytes, length, base + at),
      read: (at, length) => this.#read(base + at, length),
      close: () => undefined,
    }
  }

  #write(bytes: Buffer, length: number, at: number): void {
    let written = 0
    try {
      while (written < length)
        written += writeSync(this.#file, bytes, written, length - written, at + written)
    } catch (error) {
      throw translateFileError(error, this.#path)
    }
    if (this.#regionCount === 1) return
    this.isDirty = true
    if (!this.isTogether) this.sync()
  }

  /** What was written is on disk when this returns. */
  sync(): void {
    if (!this.isDirty) return
    this.isDirty = false
    try {
      fdatasyncSync(this.#file)
    } catch (error) {
      throw translateFileError(error, this.#path)
    }
  }

  /** As sync, by another thread: on disk when finishSync returns. */
  beginSync(thread: SyncThread): void {
    this.isDirty = false
    thread.begin(this.#file)
  }

  finishSync(thread: SyncThread): void {
    const failed = thread.finish()
    if (failed === undefined) return
    const code = getSystemErrorName(failed)
    throw translateFileError(Object.assign(new Error(`${code}, fdatasync`), { code }), this.#path)
  }

  /** What the file is too short for reads as zeroes. */
  #read(at: number, length: number): Buffer {
    const bytes = Buffer.allocUnsafeSlow(length)
    try {
      const count = readSync(this.#file, bytes, 0, length, at)
      return count < length ? bytes.fill(0, count) : bytes
    } catch (error) {
      throw translateFileError(error, this.#path)
    }
  }

  close(): void {
    closeSync(this.#file)
  }
}

/** Zeroes, not a hole: blocks that were never written cost metadata when they are. Named only once it is whole. */
function makeFile(path: string, sizeBytes: number): void {
  const file = openSync(`${path}.new`, 'w', 0o600)
  writeSync(file, Buffer.alloc(sizeBytes))
  fsyncSync(file)
  closeSync(file)
  renameSync(`${path}.new`, path)
  const directory = openSync(dirname(path), 'r')
  fsyncSync(directory)
  closeSync(directory)
}

function translateFileError(error: unknown, path: string): unknown {
  if (!(error instanceof Error) || !('code' in error)) return error
  if (error.code === 'ENOSPC' || error.code === 'EDQUOT')
    return new StorageError('disk-full', `no space left for ${path}`, 'What was acknowledged is safe.')
  if (error.code === 'EACCES' || error.code === 'EROFS' || error.code === 'EPERM')
    return new StorageError('not-writable', `${path} cannot be opened for writing: ${error.message}`)
  return new StorageError('io', `${path}: ${error.message}`)
}
