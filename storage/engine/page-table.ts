// A hash table from page number to frame number: open addressing, linear probing, deletion by shifting back (no
// tombstones). One per timeline, so its size follows what is resident, not the size of the database.

/** No page has this number: it is NO_PAGE as a signed integer. */
const EMPTY = -1
const CAPACITY_MIN = 16
/** What a table without entries looks at. Never written to: most timelines hold nothing. */
const NO_PAGES = new Int32Array(CAPACITY_MIN).fill(EMPTY)
const NO_FRAMES = new Int32Array(CAPACITY_MIN)

export class PageTable {
  size = 0
  private pages = NO_PAGES
  private frames = NO_FRAMES
  private mask = CAPACITY_MIN - 1

  /** The frame of a page, or -1. */
  get(page: number): number {
    const pages = this.pages
    const wanted = page | 0
    let at = Math.imul(page, 0x9e3779b1) >>> 7
    for (;;) {
      at &= this.mask
      const found = pages[at] as number
      if (found === wanted) return this.frames[at] as number
      if (found === EMPTY) return -1
      at++
    }
  }

  set(page: number, frame: number): void {
    if (this.pages === NO_PAGES) {
      this.pages = new Int32Array(CAPACITY_MIN).fill(EMPTY)
      this.frames = new Int32Array(CAPACITY_MIN)
    }
    const wanted = page | 0
    let at = home(page) & this.mask
    for (;;) {
      const found = this.pages[at] as number
      if (found === wanted) break
      if (found === EMPTY) {
        this.pages[at] = wanted
        this.size++
        break
      }
      at = (at + 1) & this.mask
    }
    this.frames[at] = frame
    if (this.size * 2 > this.mask) this.grow()
  }

  delete(page: number): void {
    const wanted = page | 0
    let at = home(page) & this.mask
    while (this.pages[at] !== wanted) {
      if (this.pages[at] === EMPTY) return
      at = (at + 1) & this.mask
    }
    this.size--
    let next = (at + 1) & this.mask
    while (this.pages[next] !== EMPTY) {
      const wants = home(this.pages[next] as number) & this.mask
      // Whether `at` lies between the entry's home and where it is: then it may move there.
      if (((next - wants) & this.mask) >= ((next - at) & this.mask)) {
        this.pages[at] = this.pages[next] as number
        this.frames[at] = this.frames[next] as number
        at = next
      }
      next = (next + 1) & this.mask
    }
    this.pages[at] = EMPTY
  }

  /** Calls back for every entry. The table must not change meanwhile. */
  forEach(callback: (page: number, frame: number) => void): void {
    for (let at = 0; at <= this.mask; at++) {
      const page = this.pages[at] as number
      if (page !== EMPTY) callback(page >>> 0, this.frames[at] as number)
    }
  }

  private grow(): void {
    const { pages, frames } = this
    this.mask = this.mask * 2 + 1
    this.pages = new Int32Array(this.mask + 1).fill(EMPTY)
    this.frames = new Int32Array(this.mask + 1)
    this.size = 0
    for (let at = 0; at < pages.length; at++) {
      if (pages[at] !== EMPTY) this.set((pages[at] as number) >>> 0, frames[at] as number)
    }
  }
}

function home(page: number): number {
  return Math.imul(page, 0x9e3779b1) >>> 7
}
