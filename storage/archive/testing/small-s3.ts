// A small server of ours that speaks S3's API, for tests: put, get, list version 2 and delete, path-style, one bucket named
// `backups`.

import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

import { byName } from '../object-store.ts'

/** Just enough of S3's REST API for put, get, list version 2 and delete, path-style. */
export class SmallS3 {
  readonly objects: Map<string, Buffer> = new Map()
  readonly paths: string[] = []
  readonly #server: Server = createServer((request, response) => void this.#serve(request, response))

  async listen(): Promise<string> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve))
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  close(): void {
    this.#server.close()
    this.#server.closeAllConnections()
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? '/', 'http://localhost')
    this.paths.push(url.pathname)
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk as Buffer)
    const [, bucket, ...rest] = url.pathname.split('/')
    const key = decodeURIComponent(rest.join('/'))
    if (request.headers.authorization?.startsWith('AWS4-HMAC-SHA256') !== true)
      return respond(response, 403, '')
    if (bucket !== 'backups') return respond(response, 404, '<Error><Code>NoSuchBucket</Code></Error>')
    if (request.method === 'PUT') {
      this.objects.set(key, Buffer.concat(chunks))
      return respond(response, 200, '')
    }
    if (request.method === 'DELETE') {
      this.objects.delete(key)
      return respond(response, 204, '')
    }
    if (url.searchParams.get('list-type') === '2')
      return respond(response, 200, this.#listing(url.searchParams))
    const bytes = this.objects.get(key)
    if (bytes === undefined) return respond(response, 404, '<Error><Code>NoSuchKey</Code></Error>')
    return respond(response, 200, bytes)
  }

  #listing(query: URLSearchParams): string {
    const prefix = query.get('prefix') ?? ''
    const after = query.get('start-after') ?? ''
    const names = [...this.objects.keys()].filter((name) => name.startsWith(prefix) && name > after)
    const some = names.toSorted(byName).slice(0, Number(query.get('max-keys') ?? 1000))
    const entries = some.map((name) => `<Contents><Key>${name}</Key></Contents>`).join('')
    return `<?xml version="1.0"?><ListBucketResult><Name>backups</Name>${entries}</ListBucketResult>`
  }
}

function respond(response: ServerResponse, status: number, body: string | Buffer): void {
  response.writeHead(status, { 'content-length': Buffer.byteLength(body), 'content-type': 'application/xml' })
  response.end(body)
}
