// An object store behind S3's API: Amazon's own or any other that speaks it (path-style addresses with an endpoint).
//
//   s3://bucket/prefix?endpoint=http://127.0.0.1:9000&region=eu-central-1
//
// Credentials, region and endpoint come from the usual variables (AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY,
// AWS_SESSION_TOKEN, AWS_REGION, AWS_ENDPOINT_URL_S3, AWS_ENDPOINT_URL), never from the URL. The client retries by
// itself; it is loaded when the first store is opened, since it is large and most servers need none.

import type * as Sdk from '@aws-sdk/client-s3'

import { StorageError } from '../base/errors.ts'
import type { ObjectStore } from './object-store.ts'

const REGION_DEFAULT = 'us-east-1'
const ATTEMPTS_MAX = 4

export async function openS3Store(
  url: URL,
  env: Readonly<Record<string, string | undefined>>,
): Promise<ObjectStore> {
  return new S3Store(await import('@aws-sdk/client-s3'), url, env)
}

class S3Store implements ObjectStore {
  readonly where: string
  readonly #sdk: typeof Sdk
  readonly #client: Sdk.S3Client
  readonly #bucket: string
  /** Empty, or ends with '/'. */
  readonly #prefix: string

  constructor(sdk: typeof Sdk, url: URL, env: Readonly<Record<string, string | undefined>>) {
    this.#sdk = sdk
    this.#bucket = url.hostname
    const path = url.pathname.replace(/^\/+|\/+$/g, '')
    this.#prefix = path === '' ? '' : `${path}/`
    this.where = `s3://${this.#bucket}/${path}`
    const endpoint = url.searchParams.get('endpoint') ?? env['AWS_ENDPOINT_URL_S3'] ?? env['AWS_ENDPOINT_URL']
    this.#client = new sdk.S3Client({
      region: url.searchParams.get('region') ?? env['AWS_REGION'] ?? REGION_DEFAULT,
      maxAttempts: ATTEMPTS_MAX,
      ...(endpoint === undefined ? {} : { endpoint, forcePathStyle: true }),
    })
  }

  async put(name: string, bytes: Uint8Array): Promise<void> {
    const key = this.#prefix + name
    await this.#call(name, () =>
      this.#client.send(new this.#sdk.PutObjectCommand({ Bucket: this.#bucket, Key: key, Body: bytes })),
    )
  }

  async get(name: string): Promise<Buffer | undefined> {
    return this.#call(name, async () => {
      try {
        const key = this.#prefix + name
        const { Body } = await this.#client.send(
          new this.#sdk.GetObjectCommand({ Bucket: this.#bucket, Key: key }),
        )
        const bytes = await Body?.transformToByteArray()
        return bytes === undefined ? undefined : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
      } catch (error) {
        if (error instanceof this.#sdk.NoSuchKey) return undefined
        throw error
      }
    })
  }

  async list(prefix: string, after: string, limit: number): Promise<readonly string[]> {
    return this.#call(prefix, async () => {
      const { Contents = [] } = await this.#client.send(
        new this.#sdk.ListObjectsV2Command({
          Bucket: this.#bucket,
          Prefix: this.#prefix + prefix,
          MaxKeys: limit,
          ...(after === '' ? {} : { StartAfter: this.#prefix + after }),
        }),
      )
      return Contents.flatMap(({ Key }) => (Key === undefined ? [] : Key.slice(this.#prefix.length)))
    })
  }

  async delete(name: string): Promise<void> {
    const key = this.#prefix + name
    await this.#call(name, () =>
      this.#client.send(new this.#sdk.DeleteObjectCommand({ Bucket: this.#bucket, Key: key })),
    )
  }

  close(): void {
    this.#client.destroy()
  }

  async #call<Result>(name: string, work: () => Promise<Result>): Promise<Result> {
    try {
      return await work()
    } catch (error) {
      const status =
        error instanceof this.#sdk.S3ServiceException ? error.$metadata.httpStatusCode : undefined
      const kind = status === 403 || status === 404 ? 'not-writable' : 'io'
      const reason = error instanceof Error ? `${error.name}: ${error.message}` : String(error)
      throw new StorageError(kind, `backup object ${this.where}/${name}: ${reason}`)
    }
  }
}
