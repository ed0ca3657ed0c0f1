// The text of a query and the two ways to count in it: parse trees count UTF-8 bytes from 0, error positions count
// characters (code points) from 1. For ASCII text, nearly all of it, the two differ by one and nothing is encoded.

/** A query's text. Knows byte offsets and character positions. */
export class SourceText {
  readonly text: string
  #bytes: Buffer | undefined
  #isAscii: boolean | undefined

  constructor(text: string) {
    this.text = text
  }

  get isAscii(): boolean {
    return (this.#isAscii ??= Buffer.byteLength(this.text) === this.text.length)
  }

  get byteLength(): number {
    return this.isAscii ? this.text.length : this.#utf8().length
  }

  /** The 1-based character position of a byte offset; undefined for -1 and absent ones. */
  positionOf(location: number | undefined): number | undefined {
    if (location === undefined || location < 0) return undefined
    if (this.isAscii) return location + 1
    const bytes = this.#utf8()
    let characters = 0
    for (let i = 0; i < location && i < bytes.length; i++) {
      if (((bytes[i] ?? 0) & 0xc0) !== 0x80) characters++
    }
    return characters + 1
  }

  /** The text between two byte offsets. */
  slice(start: number, end: number): string {
    return this.isAscii ? this.text.slice(start, end) : this.#utf8().toString('utf8', start, end)
  }

  #utf8(): Buffer {
    return (this.#bytes ??= Buffer.from(this.text, 'utf8'))
  }
}
