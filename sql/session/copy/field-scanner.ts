// Splits the bytes of COPY FROM's text and csv formats into lines and fields. Works on bytes as they arrive, in chunks
// of any size; a field without escapes is handed on as a slice, with no string made.
//
//   push(chunk) ─▶ [rest of the last chunk | chunk] ─▶ nextLine() ─▶ fields: starts[], ends[] into `bytes`, isNull[]
//
// nextLine gives false when no whole line is left; call push again, or finish at the end of the data, after which a last
// line without newline counts as one.

import { SqlError } from '../../types/sql-error.ts'
import type { CopyOptions } from './copy-options.ts'

const EMPTY: Buffer = Buffer.alloc(0)
const NEWLINE = 10
const RETURN = 13
const BACKSLASH = 92
const DOT = 46

/** A line longer than this is refused, as PostgreSQL's 1 GB limit of a string buffer does. */
const LINE_SIZE_BYTES_MAX = 0x3fff_ffff

export class FieldScanner {
  /** The bytes that starts and ends point into. Valid until the next call. */
  bytes: Buffer = Buffer.alloc(0)
  readonly starts: number[] = []
  readonly ends: number[] = []
  readonly isNull: boolean[] = []
  fieldCount = 0
  lineNumber = 0
  /** The line `\.` was read: what follows is ignored. */
  isEnded = false

  readonly #options: CopyOptions
  readonly #delimiter: number
  readonly #quote: number
  readonly #escape: number
  readonly #nullBytes: Buffer
  readonly #isCsv: boolean
  #chunk: Buffer = Buffer.alloc(0)
  #position = 0
  #end = 0
  #isFinished = false
  /** Fields with escapes are unescaped into here. */
  #scratch: Buffer = Buffer.alloc(256)

  constructor(options: CopyOptions) {
    this.#options = options
    this.#isCsv = options.format === 'csv'
    this.#delimiter = options.delimiter.charCodeAt(0)
    this.#quote = this.#isCsv ? options.quote.charCodeAt(0) : -1
    this.#escape = this.#isCsv ? options.escape.charCodeAt(0) : -1
    this.#nullBytes = Buffer.from(options.nullText)
  }

  /** Adds bytes; they are copied only if a line was left unfinished before them. `release` must follow. */
  push(message: Buffer, start: number, end: number): void {
    if (this.#position === this.#end) {
      this.#chunk = message
      this.#position = start
      this.#end = end
      return
    }
    const rest = this.#end - this.#position
    if (rest + end - start > LINE_SIZE_BYTES_MAX) throw new SqlError('54000', 'COPY line too long')
    const joined = Buffer.allocUnsafe(rest + end - start)
    this.#chunk.copy(joined, 0, this.#position, this.#end)
    message.copy(joined, rest, start, end)
    this.#chunk = joined
    this.#position = 0
    this.#end = joined.length
  }

  /** Makes the unfinished line our own: the pushed message may be reused after this. */
  release(): void {
    if (this.#position === this.#end) {
      this.#chunk = EMPTY
      this.#position = 0
      this.#end = 0
      return
    }
    this.#chunk = Buffer.from(this.#chunk.subarray(this.#position, this.#end))
    this.#position = 0
    this.#end = this.#chunk.length
  }

  finish(): void {
    this.#isFinished = true
  }

  /** Reads one line and splits it. */
  nextLine(): boolean {
    if (this.isEnded || this.#position >= this.#end) return false
    const lineEnd = this.#isCsv ? this.#findCsvLineEnd() : this.#chunk.indexOf(NEWLINE, this.#position)
    const hasNewline = lineEnd >= 0 && lineEnd < this.#end
    if (!hasNewline && !this.#isFinished) return false
    const start = this.#position
    let end = hasNewline ? lineEnd : this.#end
    this.#position = hasNewline ? lineEnd + 1 : this.#end
    this.lineNumber++
    if (end > start && this.#chunk[end - 1] === RETURN) end--
    if (end - start === 2 && this.#chunk[start] === BACKSLASH && this.#chunk[start + 1] === DOT) {
      this.isEnded = true
      return false
    }
    if (this.#isCsv) this.#splitCsv(start, end)
    else this.#splitText(start, end)
    return true
  }

  /** The current line's text, for error contexts. */
  field(index: number): string {
    return this.bytes.toString('utf8', this.starts[index], this.ends[index])
  }

  #splitText(start: number, end: number): void {
    const chunk = this.#chunk
    const delimiter = this.#delimiter
    let hasEscape = false
    let field = 0
    this.bytes = chunk
    this.starts[0] = start
    for (let at = start; at < end; at++) {
      const byte = chunk[at]
      if (byte === delimiter) {
        this.ends[field++] = at
        this.starts[field] = at + 1
      } else if (byte === BACKSLASH) {
        hasEscape = true
        at++
      }
    }
    this.ends[field++] = end
    this.fieldCount = field
    for (let i = 0; i < field; i++)
      this.isNull[i] = this.#isNullText(chunk, this.starts[i] as number, this.ends[i] as number)
    if (hasEscape) this.#unescapeFields()
  }

  #isNullText(bytes: Buffer, start: number, end: number): boolean {
    const nullBytes = this.#nullBytes
    if (end - start !== nullBytes.length) return false
    for (let i = 0; i < nullBytes.length; i++) if (bytes[start + i] !== nullBytes[i]) return false
    return true
  }

  /** Moves every field to the scratch buffer, escapes resolved. */
  #unescapeFields(): void {
    const first = this.starts[0] as number
    const last = this.ends[this.fieldCount - 1] as number
    const scratch = this.#room(last - first)
    const source = this.bytes
    let out = 0
    for (let i = 0; i < this.fieldCount; i++) {
      const start = out
      out = unescapeText(source, this.starts[i] as number, this.ends[i] as number, scratch, out)
      this.starts[i] = start
      this.ends[i] = out
    }
    this.bytes = scratch
  }

  #room(size: number): Buffer {
    if (this.#scratch.length < size) this.#scratch = Buffer.allocUnsafe(size * 2)
    return this.#scratch
  }

  /** The newline that ends the csv line at the position: one outside of quotes; -1 if it is not there yet. */
  #findCsvLineEnd(): number {
    const chunk = this.#chunk
    const quote = this.#quote
    const escape = this.#escape
    let isQuoted = false
    for (let at = this.#position; at < this.#end; at++) {
      const byte = chunk[at]
      if (isQuoted && byte === escape && escape !== quote) at++
      else if (byte === quote) isQuoted = !isQuoted
      else if (byte === NEWLINE && !isQuoted) return at
    }
    if (isQuoted && this.#isFinished) throw new SqlError('22P04', 'unterminated CSV quoted field')
    return -1
  }

  #splitCsv(start: number, end: number): void {
    const chunk = this.#chunk
    const scratch = this.#room(end - start)
    const { starts, ends, isNull } = this
    let field = 0
    let out = 0
    let at = start
    for (;;) {
      const fieldStart = out
      let wasQuoted = false
      let isQuoted = false
      for (; at < end; at++) {
        const byte = chunk[at] as number
        if (isQuoted) {
          const next = at + 1 < end ? chunk[at + 1] : -1
          if (byte === this.#escape && (next === this.#quote || next === this.#escape))
            scratch[out++] = chunk[++at] as number
          else if (byte === this.#quote) isQuoted = false
          else scratch[out++] = byte
        } else if (byte === this.#delimiter) break
        else if (byte === this.#quote) {
          isQuoted = true
          wasQuoted = true
        } else scratch[out++] = byte
      }
      starts[field] = fieldStart
      ends[field] = out
      isNull[field++] = !wasQuoted && this.#isNullText(scratch, fieldStart, out)
      if (at >= end) break
      at++
    }
    this.fieldCount = field
    this.bytes = scratch
  }

  get options(): CopyOptions {
    return this.#options
  }
}

const SIMPLE_ESCAPES: ReadonlyMap<number, number> = new Map([
  [0x62, 8],
  [0x66, 12],
  [0x6e, 10],
  [0x72, 13],
  [0x74, 9],
  [0x76, 11],
])

/** Resolves \n, \t, \\, octal and hexadecimal escapes of COPY's text format. Returns the end in `target`. */
function unescapeText(source: Buffer, start: number, end: number, target: Buffer, offset: number): number {
  let out = offset
  for (let at = start; at < end; at++) {
    const byte = source[at] as number
    if (byte !== BACKSLASH || at + 1 >= end) {
      target[out++] = byte
      continue
    }
    const code = source[++at] as number
    const simple = SIMPLE_ESCAPES.get(code)
    if (simple !== undefined) target[out++] = simple
    else if (code >= 0x30 && code <= 0x37) {
      let value = code - 0x30
      for (let n = 0; n < 2 && at + 1 < end && isOctal(source[at + 1] as number); n++) {
        value = value * 8 + (source[++at] as number) - 0x30
      }
      target[out++] = value & 0xff
    } else if (code === 0x78 && at + 1 < end && hexDigit(source[at + 1] as number) >= 0) {
      let value = hexDigit(source[++at] as number)
      if (at + 1 < end && hexDigit(source[at + 1] as number) >= 0)
        value = value * 16 + hexDigit(source[++at] as number)
      target[out++] = value
    } else target[out++] = code
  }
  return out
}

function isOctal(code: number): boolean {
  return code >= 0x30 && code <= 0x37
}

function hexDigit(code: number): number {
  if (code >= 0x30 && code <= 0x39) return code - 0x30
  const lower = code | 0x20
  return lower >= 0x61 && lower <= 0x66 ? lower - 0x57 : -1
}
