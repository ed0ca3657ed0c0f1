// Names of statements and portals come as bytes with every Bind and Execute, and they repeat. This small direct-mapped
// cache returns the string that the same bytes gave before, so that the hot path neither decodes nor allocates.

const SLOT_COUNT = 64
/** Longer names are decoded each time. */
const CACHED_SIZE_BYTES_MAX = 32

interface Slot {
  readonly bytes: Uint8Array
  readonly name: string
}

export class NameCache {
  readonly #slots: (Slot | undefined)[] = Array.from<Slot | undefined>({ length: SLOT_COUNT })

  /** The name of bytes [start, end), if it is here. */
  lookup(bytes: Uint8Array, start: number, end: number): string | undefined {
    const slot = this.#slots[slotOf(bytes, start, end)]
    if (slot === undefined || slot.bytes.length !== end - start) return undefined
    const known = slot.bytes
    for (let i = 0; i < known.length; i++) if (known[i] !== bytes[start + i]) return undefined
    return slot.name
  }

  /** Remembers `name` for a copy of bytes [start, end), in place of whatever had its slot; returns it. */
  store(bytes: Uint8Array, start: number, end: number, name: string): string {
    if (end - start <= CACHED_SIZE_BYTES_MAX) {
      this.#slots[slotOf(bytes, start, end)] = { bytes: Uint8Array.from(bytes.subarray(start, end)), name }
    }
    return name
  }
}

/** Names such as P0_1, S_2 or s17 differ in their last bytes. */
function slotOf(bytes: Uint8Array, start: number, end: number): number {
  const last = bytes[end - 1] as number
  const previous = end - start > 1 ? (bytes[end - 2] as number) : 0
  return (last + previous * 10) & (SLOT_COUNT - 1)
}
