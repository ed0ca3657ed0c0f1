// The door of an object store: where backups go. Names are paths of letters, digits, '-', '.' and '/'. Implementations:
// directory-store.ts, s3-store.ts, and memory here for tests.
//
// Invariants: an object is there whole or not at all; `list` is in the order of names, byte by byte. Calls reject with
// StorageError 'io' (worth trying again) or 'not-writable'; `get` of an object that is not there resolves to undefined.

export interface ObjectStore {
  /** Where it is, for messages: a URL without credentials. */
  readonly where: string
  put(name: string, bytes: Uint8Array): Promise<void>
  get(name: string): Promise<Buffer | undefined>
  /** Names that begin with `prefix` and are above `after`, at most `limit` of them. */
  list(prefix: string, after: string, limit: number): Promise<readonly string[]>
  delete(name: string): Promise<void>
  close(): void
}

const LIST_LIMIT = 1000

/** All names under a prefix, however many. */
export async function listAll(store: ObjectStore, prefix: string, after = ''): Promise<string[]> {
  const names: string[] = []
  let last = after
  for (;;) {
    const some = await store.list(prefix, last, LIST_LIMIT)
    names.push(...some)
    if (some.length < LIST_LIMIT) return names
    last = some.at(-1) ?? last
  }
}

/** In memory, for tests and the simulator. */
export class MemoryObjectStore implements ObjectStore {
  readonly where = 'memory:'
  readonly objects: Map<string, Buffer> = new Map()

  put(name: string, bytes: Uint8Array): Promise<void> {
    this.objects.set(name, Buffer.from(bytes))
    return Promise.resolve()
  }

  get(name: string): Promise<Buffer | undefined> {
    return Promise.resolve(this.objects.get(name))
  }

  list(prefix: string, after: string, limit: number): Promise<readonly string[]> {
    const names = [...this.objects.keys()].filter((name) => name.startsWith(prefix) && name > after)
    return Promise.resolve(names.toSorted(byName).slice(0, limit))
  }

  delete(name: string): Promise<void> {
    this.objects.delete(name)
    return Promise.resolve()
  }

  close(): void {
    // Nothing is held.
  }
}

/** The order of names; they are ASCII, so that of their code units is that of their bytes. */
export function byName(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}
