import { expect, test } from 'vitest'
import { ByteWriter } from '../../storage/base/byte-writer.ts'
import { builtinTypeByName } from './registry.ts'
import { TableCodec } from './row-codec.ts'
import type { PhysicalColumn, RowCell } from './row-layout.ts'
import { sampleValues, seededRandom } from './testing/samples.ts'
import type { Row } from './value.ts'

function column(attnum: number, typeName: string): PhysicalColumn {
  const type = builtinTypeByName(typeName)
  if (type === undefined) throw new Error(typeName)
  return { attnum, type }
}

function encodeCell(codec: TableCodec, row: Row, prefix = 3): RowCell {
  const writer = new ByteWriter(16)
  for (let i = 0; i < prefix; i++) writer.uint8(0xaa)
  codec.encode(row, writer)
  const bytes = writer.copy()
  return {
    bytes,
    view: new DataView(bytes.buffer, bytes.byteOffset, bytes.length),
    start: prefix,
    end: bytes.length,
  }
}

const columns = ['int4', 'text', 'bool', 'int8', 'int2', 'oid', 'varchar', '_int4'].map((name, i) =>
  column(i + 1, name),
)
const all = columns.map(({ attnum }) => attnum)

test('a row comes back as it was written, with and without NULLs', () => {
  const codec = new TableCodec([{ version: 0, columns }])
  const array = builtinTypeByName('_int4')?.input('[2:3]={7,NULL}', -1, undefined as never) ?? null
  const rows: Row[] = [
    [1, 'grün', true, 2n ** 62n, -5, 0xffff_ffff, '', array],
    [null, null, null, null, null, null, null, null],
    [-0x8000_0000, null, false, Number.MIN_SAFE_INTEGER, 0x7fff, 0, 'x', null],
    [0x7fff_ffff, 'a', null, -(2n ** 63n), null, 1, null, array],
  ]
  const decode = codec.compileDecoder(all)
  for (const row of rows) expect(decode(encodeCell(codec, row))).toEqual(row)
})

test('the bytes of a row are the ones the header describes', () => {
  const codec = new TableCodec([
    { version: 5, columns: [column(1, 'int4'), column(2, 'text'), column(3, 'text')] },
  ])
  const cell = encodeCell(codec, [258, null, 'ab'], 0)
  expect(cell.bytes.toString('hex')).toBe('0500' + '02' + '02010000' + '0b00' + '0d00' + '6162')
})

test('decoders give the asked columns in the asked order, readers give one', () => {
  const codec = new TableCodec([{ version: 0, columns }])
  const cell = encodeCell(codec, [1, 'b', true, 4, 5, 6, 'g', null])
  expect(codec.compileDecoder([7, 1, 2])(cell)).toEqual(['g', 1, 'b'])
  expect(codec.compileColumnReader(4)(cell)).toBe(4)
})

test('rows above 64 KiB get wide offsets', () => {
  const codec = new TableCodec([
    { version: 1, columns: [column(1, 'text'), column(2, 'int4'), column(3, 'text')] },
  ])
  const decode = codec.compileDecoder([1, 2, 3])
  for (const size of [65_000, 65_530, 65_536, 200_000]) {
    const row = ['x'.repeat(size), 7, 'tail']
    expect(decode(encodeCell(codec, row))).toEqual(row)
  }
})

test('rows of older layouts answer added columns with the missing value and forget dropped ones', () => {
  const first = { version: 0, columns: [column(1, 'int4'), column(2, 'text')] }
  const second = { version: 1, columns: [column(1, 'int4'), column(3, 'text')] }
  const before = new TableCodec([first])
  const after = new TableCodec([first, second], new Map([[3, 'default']]))
  const decode = after.compileDecoder([1, 3])
  expect(decode(encodeCell(before, [1, 'dropped']))).toEqual([1, 'default'])
  expect(decode(encodeCell(before, [null, 'x'.repeat(70_000)]))).toEqual([null, 'default'])
  expect(decode(encodeCell(after, [2, null]))).toEqual([2, null])
})

test('rows of random types and values come back, whatever is asked of them', () => {
  const random = seededRandom(11)
  const names = [
    'int2',
    'int4',
    'int8',
    'oid',
    'bool',
    'float4',
    'float8',
    'numeric',
    'text',
    'bytea',
    'uuid',
    'date',
  ]
  names.push(
    'time',
    'timetz',
    'timestamp',
    'timestamptz',
    'interval',
    'jsonb',
    '_int4',
    '_text',
    'inet',
    'char',
    'xid8',
  )
  const samples = new Map(names.map((name) => [name, sampleValues(name, 12)]))
  const writer = new ByteWriter(64)
  for (let round = 0; round < 60; round++) {
    const chosen = Array.from(
      { length: 1 + Math.floor(random() * 20) },
      () => names[Math.floor(random() * names.length)] ?? '',
    )
    const layout = {
      version: Math.floor(random() * 0x8000),
      columns: chosen.map((name, i) => column(i + 1, name)),
    }
    const codec = new TableCodec([layout])
    const asked = layout.columns.map(({ attnum }) => attnum).filter(() => random() < 0.6)
    const decode = codec.compileDecoder(asked)
    for (let n = 0; n < 10; n++) {
      const row: Row = chosen.map((name) =>
        random() < 0.2 ? null : (samples.get(name)?.[Math.floor(random() * 12)] ?? null),
      )
      writer.reset()
      writer.int32(0)
      codec.encode(row, writer)
      const bytes = writer.copy()
      const cell = {
        bytes,
        view: new DataView(bytes.buffer, bytes.byteOffset, bytes.length),
        start: 4,
        end: bytes.length,
      }
      expect(decode(cell)).toEqual(asked.map((attnum) => row[attnum - 1]))
      // Equal rows have equal bytes: NULL slots are zeroes.
      writer.bytes.fill(0xee)
      writer.reset()
      writer.int32(0)
      codec.encode(row, writer)
      expect(writer.copy().equals(bytes)).toBe(true)
    }
  }
})
