// Where encoded batches live until every node that is sent them, and a write quorum, has them: slabs of shared memory,
// so that six worker threads read one copy. Bytes of a slab are handed out from its start; when the last batch in it is
// let go of, the slab starts over.

import { assert } from '../base/assert.ts'

const SLAB_SIZE_BYTES = 1024 * 1024
const SPARE_SLABS_MAX = 4

interface Slab {
  readonly bytes: Buffer
  used: number
  references: number
}

/** Bytes that are in use until `release` was called as often as `references` said. */
export interface SharedBytes {
  readonly bytes: Buffer
  /** One user more. */
  retain(): void
  /** One user less. */
  release(): void
}

export class BatchMemory {
  #current: Slab = newSlab(SLAB_SIZE_BYTES)
  readonly #spare: Slab[] = []

  /** `size` fresh bytes, for `users` users. */
  take(size: number, users: number): SharedBytes {
    assert(users > 0 && size > 0, 'somebody needs some bytes')
    if (size > SLAB_SIZE_BYTES) return this.#cut(newSlab(size), size, users)
    if (this.#current.used + size > SLAB_SIZE_BYTES) {
      if (this.#current.references === 0) this.#current.used = 0
      else this.#current = this.#spare.pop() ?? newSlab(SLAB_SIZE_BYTES)
    }
    return this.#cut(this.#current, size, users)
  }

  #cut(slab: Slab, size: number, users: number): SharedBytes {
    const bytes = slab.bytes.subarray(slab.used, slab.used + size)
    slab.used += (size + 7) & ~7
    slab.references += users
    let left = users
    const retain = (): void => {
      assert(left > 0, 'retained while it is in use')
      left++
      slab.references++
    }
    const release = (): void => {
      assert(left > 0, 'released once by each user')
      left--
      slab.references--
      if (slab.references > 0) return
      slab.used = 0
      const reusable = slab !== this.#current && slab.bytes.length === SLAB_SIZE_BYTES
      if (reusable && this.#spare.length < SPARE_SLABS_MAX) this.#spare.push(slab)
    }
    return { bytes, retain, release }
  }
}

function newSlab(size: number): Slab {
  return { bytes: Buffer.from(new SharedArrayBuffer(size)), used: 0, references: 0 }
}
