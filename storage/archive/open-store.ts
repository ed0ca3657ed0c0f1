// From a URL to an object store: file:///path (or a plain path) and s3://bucket/prefix.

import { resolve } from 'node:path'
import { fileURLToPath } from 'node:url'

import { StorageError } from '../base/errors.ts'
import { DirectoryStore } from './directory-store.ts'
import type { ObjectStore } from './object-store.ts'
import { openS3Store } from './s3-store.ts'

/** Rejects with StorageError 'not-writable' for a URL of another kind. `env` has the credentials for S3. */
export async function openObjectStore(
  location: string,
  env: Readonly<Record<string, string | undefined>>,
): Promise<ObjectStore> {
  if (location.startsWith('s3://')) return openS3Store(new URL(location), env)
  if (location.startsWith('file://')) return new DirectoryStore(fileURLToPath(location))
  if (/^[a-z][a-z0-9+.-]*:\/\//i.test(location)) {
    throw new StorageError('not-writable', `"${location}" is not a backup location: file:// and s3:// are`)
  }
  return new DirectoryStore(resolve(location))
}
