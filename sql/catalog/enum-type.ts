// Enum types. A value at run time is its label; what is stored and indexed is what renaming a label cannot change:
//
//   stored  pg_enum.oid, uint4 big-endian
//   key     the sort order, a positive float8, big-endian (ADD VALUE BEFORE takes the middle between two)

import { must } from '../../storage/base/assert.ts'
import type { Behaviour } from '../types/define-type.ts'
import { SqlError } from '../types/sql-error.ts'

interface EnumLabel {
  readonly oid: number
  readonly label: string
  readonly sortOrder: number
}

const scratch = Buffer.alloc(8)

/** Order-preserving bytes of any float: sign flipped for positives, all bits for negatives. */
function orderBytes(order: number): Buffer {
  scratch.writeDoubleBE(order)
  const first = scratch.readUInt8(0)
  if (first < 0x80) scratch.writeUInt8(first | 0x80)
  else for (let at = 0; at < 8; at++) scratch.writeUInt8(~scratch.readUInt8(at) & 0xff, at)
  return scratch
}

export function enumBehaviour(name: string, labels: readonly EnumLabel[]): Behaviour<string> {
  const byLabel = new Map(labels.map((item) => [item.label, item]))
  const byOid = new Map(labels.map((item) => [item.oid, item.label]))
  const order = (label: string): number => must(byLabel.get(label), 'a label of this enum').sortOrder
  const checked = (label: string): string => {
    if (byLabel.has(label)) return label
    throw new SqlError('22P02', `invalid input value for enum ${name}: "${label}"`)
  }
  return {
    input: checked,
    output: (label) => label,
    receive: (bytes, start, end) => checked(bytes.toString('utf8', start, end)),
    send: (label, writer) => void writer.utf8(label),
    compare: (a, b) => (a === b ? 0 : order(a) - order(b)),
    hashKey: (label) => label,
    encodeKey: (label, writer) => writer.raw(orderBytes(order(label))),
    encodeStored: (label, writer) => writer.int32(must(byLabel.get(label), 'a label of this enum').oid),
    decodeStored: (bytes, start) => must(byOid.get(bytes.readUInt32BE(start)), 'a stored label exists'),
  }
}
