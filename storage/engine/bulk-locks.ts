// The locks of a transaction that holds very many: instead of an object for each, the hash of each locked key with the
// mask of its modes, in open addressing. Twenty bytes a lock. Two keys with one hash count as one key: another
// transaction may then wait without need, never the reverse.
//
// A log of what was added, in order, makes a savepoint a length of it: rolling back rebuilds the table from the log.

const CAPACITY_MIN = 4096

export class BulkLocks {
  count = 0
  private hashes: Uint32Array = new Uint32Array(CAPACITY_MIN)
  private masks: Uint8Array = new Uint8Array(CAPACITY_MIN)
  private used = 0
  private logHashes: Uint32Array = new Uint32Array(CAPACITY_MIN)
  private logModes: Uint8Array = new Uint8Array(CAPACITY_MIN)

  /** The modes in which keys with this hash are locked. */
  mask(hash: number): number {
    return this.masks[this.find(hash)] as number
  }

  add(hash: number, mode: number): void {
    if (this.count === this.logHashes.length) this.growLog()
    this.logHashes[this.count] = hash
    this.logModes[this.count] = mode
    this.count++
    this.insert(hash, mode)
  }

  rollbackTo(count: number): void {
    if (count === this.count) return
    this.count = count
    this.rebuild(this.hashes.length)
  }

  private find(hash: number): number {
    const mask = this.hashes.length - 1
    let at = hash & mask
    while (this.masks[at] !== 0 && this.hashes[at] !== hash) at = (at + 1) & mask
    return at
  }

  private insert(hash: number, mode: number): void {
    const at = this.find(hash)
    if (this.masks[at] === 0) {
      this.hashes[at] = hash
      this.used++
    }
    this.masks[at] = (this.masks[at] as number) | (1 << mode)
    if (this.used * 4 > this.hashes.length * 3) this.rebuild(this.hashes.length * 2)
  }

  private rebuild(capacity: number): void {
    this.hashes = new Uint32Array(capacity)
    this.masks = new Uint8Array(capacity)
    this.used = 0
    for (let i = 0; i < this.count; i++) this.insert(this.logHashes[i] as number, this.logModes[i] as number)
  }

  private growLog(): void {
    const hashes = new Uint32Array(this.count * 2)
    hashes.set(this.logHashes)
    this.logHashes = hashes
    const modes = new Uint8Array(this.count * 2)
    modes.set(this.logModes)
    this.logModes = modes
  }
}
