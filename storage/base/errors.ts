// The operating errors of the storage layers: things that go wrong outside our code. A closed union, so that whoever
// handles one handles all. The server turns them into SQLSTATEs in one place; nothing below knows of SQL.

export type StorageErrorKind =
  | 'corrupt' //          a checksum does not match; `message` names file, batch or page
  | 'disk-full' //        no space; what was acknowledged is safe
  | 'io' //               any other error of disk or network
  | 'fenced' //           another writer opened the volume with a newer epoch
  | 'refused' //          the other side belongs to another cluster, or does not know the cluster's secret
  | 'unsuitable' //       an operation on members of the volume that makes no sense as they are
  | 'no-quorum' //        fewer nodes answer than the quorum needs
  | 'locked' //           another process has the data directory
  | 'not-writable' //     the data directory cannot be written
  | 'version' //          on-disk format or peer protocol is of another version
  | 'out-of-window' //    an LSN or time that the retention no longer (or not yet) holds
  | 'read-only' //        a write on a database that was opened at a point of its past
  | 'deadlock' //         this transaction was chosen to break a cycle of lock waits
  | 'lock-not-available' // NOWAIT, or lock_timeout passed
  | 'too-large' //        a key or value above the limits of limits.ts
  | 'cancelled' //        the waiting statement was cancelled
  | 'closed' //           the volume or engine is shutting down

const RETRYABLE: ReadonlySet<StorageErrorKind> = new Set([
  'io',
  'no-quorum',
  'deadlock',
  'lock-not-available',
])

export class StorageError extends Error {
  override readonly name = 'StorageError'
  readonly kind: StorageErrorKind
  readonly detail: string | undefined

  constructor(kind: StorageErrorKind, message: string, detail?: string) {
    super(message)
    this.kind = kind
    this.detail = detail
  }

  /** Whether the same request may succeed when made again. */
  get retryable(): boolean {
    return RETRYABLE.has(this.kind)
  }
}
