// applyRecord: the one function that changes a page. The engine, a replica and a storage node run this same code.
// (Door; the body is being built.)

/**
 * Applies the record at `recordOffset` of `record` to the page image at `pageOffset` of `page` (PAGE_SIZE_BYTES long,
 * all zeroes if the page was never written). Pure but for those bytes, and idempotent: a record whose LSN is at or below
 * the page's LSN changes nothing and returns false. Sets the page's LSN. Throws StorageError 'corrupt' if the record does
 * not fit the page.
 */
export function applyRecord(_page: Buffer, _pageOffset: number, _record: Buffer, _recordOffset: number): boolean {
  throw new Error('under construction')
}
