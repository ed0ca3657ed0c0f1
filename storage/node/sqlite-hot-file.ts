// The file of a hot log (hot-log.ts), beside the SQLite file of its node: made once at its full size, so that a write to
// it changes no metadata, and opened so that each write is on disk when it returns.

import {
  closeSync,
  constants,
  existsSync,
  fsyncSync,
  openSync,
  readSync,
  renameSync,
  writeSync,
} from 'node:fs'
import { dirname } from 'node:path'

import { StorageError } from '../base/errors.ts'
import type { HotFile } from './hot-log.ts'

/** Opens the file, or makes it when it is missing. Throws StorageError. */
export function openHotFile(path: string, sizeBytes: number): HotFile {
  try {
    if (!existsSync(path)) makeFile(path, sizeBytes)
    return new SyncedFile(path, sizeBytes)
  } catch (error) {
    throw translateFileError(error, path)
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

class SyncedFile implements HotFile {
  readonly sizeBytes: number
  readonly #path: string
  readonly #file: number

  constructor(path: string, sizeBytes: number) {
    this.#path = path
    this.sizeBytes = sizeBytes
    this.#file = openSync(path, constants.O_RDWR | constants.O_DSYNC)
  }

  write(bytes: Buffer, length: number, at: number): void {
    let written = 0
    try {
      while (written < length)
        written += writeSync(this.#file, bytes, written, length - written, at + written)
    } catch (error) {
      throw translateFileError(error, this.#path)
    }
  }

  /** What the file is too short for reads as zeroes. */
  read(at: number, length: number): Buffer {
    const bytes = Buffer.alloc(length)
    try {
      readSync(this.#file, bytes, 0, length, at)
      return bytes
    } catch (error) {
      throw translateFileError(error, this.#path)
    }
  }

  close(): void {
    closeSync(this.#file)
  }
}

function translateFileError(error: unknown, path: string): unknown {
  if (!(error instanceof Error) || !('code' in error)) return error
  if (error.code === 'ENOSPC' || error.code === 'EDQUOT')
    return new StorageError('disk-full', `no space left for ${path}`, 'What was acknowledged is safe.')
  if (error.code === 'EACCES' || error.code === 'EROFS' || error.code === 'EPERM')
    return new StorageError('not-writable', `${path} cannot be opened for writing: ${error.message}`)
  return new StorageError('io', `${path}: ${error.message}`)
}
