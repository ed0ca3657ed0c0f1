// From VCL to VDL: the consistency points on their way to being durable, in LSN order.
//
//   push(last, consistent) per batch sent ─▶ │ 100/96 │ 180/180 │ 260/- │ ─▶ advance(vcl) gives the highest
//                                                                            consistency point at or below it

import { assert } from '../base/assert.ts'
import { type Lsn, LSN_ZERO } from '../base/ids.ts'

export class ConsistencyPoints {
  readonly #lasts: Lsn[] = []
  readonly #points: Lsn[] = []
  #head = 0
  #vdl: Lsn

  constructor(vdl: Lsn) {
    this.#vdl = vdl
  }

  get vdl(): Lsn {
    return this.#vdl
  }

  /** A batch was closed at `last`; `consistent` is its highest consistency point, 0 if it has none. */
  push(last: Lsn, consistent: Lsn): void {
    assert(consistent <= last, 'a consistency point lies in its batch')
    assert(last > (this.#lasts.at(-1) ?? LSN_ZERO), 'batches close in LSN order')
    this.#lasts.push(last)
    this.#points.push(consistent)
  }

  /** Takes in that everything up to `vcl` met its quorum; returns the VDL, which never goes back. */
  advance(vcl: Lsn): Lsn {
    while (this.#head < this.#lasts.length && (this.#lasts[this.#head] as Lsn) <= vcl) {
      const point = this.#points[this.#head] as Lsn
      if (point > this.#vdl) this.#vdl = point
      this.#head++
    }
    if (this.#head > 1024 || this.#head === this.#lasts.length) {
      this.#lasts.splice(0, this.#head)
      this.#points.splice(0, this.#head)
      this.#head = 0
    }
    return this.#vdl
  }
}
