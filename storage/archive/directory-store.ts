// An object store in a directory: an object is a file. A file is written beside its name, made durable and renamed, so
// that it is there whole or not at all after kill -9 or loss of power.

import { mkdir, open, readdir, readFile, rename, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'

import { StorageError, type StorageErrorKind } from '../base/errors.ts'
import { byName, type ObjectStore } from './object-store.ts'

const UNFINISHED_SUFFIX = '.part'

export class DirectoryStore implements ObjectStore {
  readonly where: string
  readonly #root: string
  /** Directories that are known to be there. */
  readonly #made = new Set<string>()

  constructor(root: string) {
    this.#root = root
    this.where = `file://${root}`
  }

  async put(name: string, bytes: Uint8Array): Promise<void> {
    const path = join(this.#root, name)
    try {
      await this.#makeDirectory(dirname(path))
      const part = path + UNFINISHED_SUFFIX
      const file = await open(part, 'w')
      try {
        await file.writeFile(bytes)
        await file.sync()
      } finally {
        await file.close()
      }
      await rename(part, path)
      await syncDirectory(dirname(path))
    } catch (error) {
      throw this.#failure(error, name)
    }
  }

  async get(name: string): Promise<Buffer | undefined> {
    try {
      return await readFile(join(this.#root, name))
    } catch (error) {
      if (codeOf(error) === 'ENOENT') return undefined
      throw this.#failure(error, name)
    }
  }

  async list(prefix: string, after: string, limit: number): Promise<readonly string[]> {
    const names: string[] = []
    await this.#collect(prefix.slice(0, prefix.lastIndexOf('/') + 1), prefix, after, names)
    return names.toSorted(byName).slice(0, limit)
  }

  async #collect(folder: string, prefix: string, after: string, names: string[]): Promise<void> {
    let entries
    try {
      entries = await readdir(join(this.#root, folder), { withFileTypes: true })
    } catch (error) {
      if (codeOf(error) === 'ENOENT') return
      throw this.#failure(error, folder)
    }
    for (const entry of entries) {
      const name = folder + entry.name
      if (entry.isDirectory()) {
        const inside = `${name}/`
        if (inside.startsWith(prefix) || prefix.startsWith(inside))
          await this.#collect(inside, prefix, after, names)
      } else if (name.startsWith(prefix) && name > after && !name.endsWith(UNFINISHED_SUFFIX)) {
        names.push(name)
      }
    }
  }

  async delete(name: string): Promise<void> {
    try {
      await rm(join(this.#root, name), { force: true })
    } catch (error) {
      throw this.#failure(error, name)
    }
  }

  close(): void {
    // Nothing is held open.
  }

  async #makeDirectory(path: string): Promise<void> {
    if (this.#made.has(path)) return
    await mkdir(path, { recursive: true })
    this.#made.add(path)
  }

  #failure(error: unknown, name: string): unknown {
    const code = codeOf(error)
    if (code === undefined) return error
    this.#made.clear()
    return new StorageError(KINDS[code] ?? 'io', `backup object ${join(this.#root, name)}: ${code}`)
  }
}

const KINDS: Readonly<Record<string, StorageErrorKind>> = {
  EACCES: 'not-writable',
  EROFS: 'not-writable',
  ENOTDIR: 'not-writable',
  ENOSPC: 'disk-full',
  EDQUOT: 'disk-full',
}

/** A rename is durable once its directory is. */
async function syncDirectory(path: string): Promise<void> {
  const directory = await open(path, 'r')
  try {
    await directory.sync()
  } finally {
    await directory.close()
  }
}

function codeOf(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined
}
