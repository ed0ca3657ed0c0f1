// Buffers that code between two suspension points writes into, one for the process: keys and rows are encoded into them
// and handed on at once. Nobody keeps their bytes, and nothing that may suspend runs between writing and using them.

import { ByteWriter } from '../../storage/base/byte-writer.ts'

/** Keys of point lookups. */
export const lookupScratch: ByteWriter = new ByteWriter(2048)
/** Keys of rows and index entries being written. */
export const keyScratch: ByteWriter = new ByteWriter(2048)
/** Rows being written. */
export const rowScratch: ByteWriter = new ByteWriter(16_384)
