// COPY's line and field splitting, fed in chunks of every size.

import { expect, test } from 'vitest'
import { copyOptions, type CopyOption } from './copy-options.ts'
import { FieldScanner } from './field-scanner.ts'

function options(settings: Record<string, string>): ReturnType<typeof copyOptions> {
  const list: CopyOption[] = Object.entries(settings).map(([name, value]) => ({
    name,
    value,
    position: undefined,
  }))
  return copyOptions(list, true)
}

/** Scans `data` in chunks of `size` bytes. */
function scan(data: string, settings: Record<string, string>, size: number): (string | null)[][] {
  const scanner = new FieldScanner(options(settings))
  const bytes = Buffer.from(data)
  const rows: (string | null)[][] = []
  const drain = (): void => {
    while (scanner.nextLine()) {
      const row: (string | null)[] = []
      for (let i = 0; i < scanner.fieldCount; i++)
        row.push(scanner.isNull[i] === true ? null : scanner.field(i))
      rows.push(row)
    }
  }
  for (let at = 0; at < bytes.length; at += size) {
    // A fresh copy each time, overwritten after release: the scanner may keep nothing of it.
    const chunk = Buffer.from(bytes.subarray(at, at + size))
    scanner.push(chunk, 0, chunk.length)
    drain()
    scanner.release()
    chunk.fill(0x21)
  }
  scanner.finish()
  drain()
  return rows
}

const SIZES = [1, 2, 3, 5, 7, 1000]

test.each(SIZES)('text format in chunks of %i', (size) => {
  const data = 'a\tb\n\\N\t\\\\N\nline\\nbreak\t\\x41\\101\\t|\nlast\té'
  expect(scan(data, {}, size)).toEqual([
    ['a', 'b'],
    [null, '\\N'],
    ['line\nbreak', 'AA\t|'],
    ['last', 'é'],
  ])
})

test.each(SIZES)('text format ends at \\. in chunks of %i', (size) => {
  expect(scan('1\n\\.\n2\n', {}, size)).toEqual([['1']])
})

test.each(SIZES)('csv format in chunks of %i', (size) => {
  const data = 'a,"b ""q"" c",\r\n"",  x ,"two\nlines"\n'
  expect(scan(data, { format: 'csv' }, size)).toEqual([
    ['a', 'b "q" c', null],
    ['', '  x ', 'two\nlines'],
  ])
})

test.each(SIZES)('csv with its own quote, escape and null in chunks of %i', (size) => {
  const data = "'it\\'s'|NULL|'NULL'\n"
  expect(scan(data, { format: 'csv', delimiter: '|', quote: "'", escape: '\\', null: 'NULL' }, size)).toEqual(
    [["it's", null, 'NULL']],
  )
})

test('an unfinished quote at the end is an error', () => {
  expect(() => scan('"abc\n', { format: 'csv' }, 3)).toThrow('unterminated CSV quoted field')
})
