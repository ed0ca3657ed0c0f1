// Types that a catalog makes: arrays over its types, enums, domains and composites.

import { arrayBehaviour } from './array-type.ts'
import { type Behaviour, defineType } from './define-type.ts'
import { writeKeyFloat8 } from './key-bytes.ts'
import { type RecordField, compositeBehaviour, type TypeResolver } from './record-type.ts'
import { SqlError } from './sql-error.ts'
import { receiveText } from './text-types.ts'
import type { Type } from './type.ts'
import type { TypeFacts } from './type-facts.ts'
import type { Value } from './value.ts'

/** What a catalog row says of a type of its own. */
export interface UserTypeRow {
  readonly oid: number
  readonly name: string
  /** Of the array type over it; 0: none. */
  readonly arrayOid: number
}

function factsOf(row: UserTypeRow, kind: TypeFacts['kind'], category: string): TypeFacts {
  return {
    ...row,
    kind,
    category,
    length: -1,
    isPreferred: false,
    delimiter: ',',
    elementOid: 0,
    ioPrefix: kind === 'e' ? 'enum_' : kind === 'c' ? 'record_' : 'domain_',
    hasBinary: true,
    align: kind === 'e' ? 'i' : 'd',
    storage: kind === 'e' ? 'p' : 'x',
    collationOid: 0,
    subscript: '-',
    typmodPrefix: '',
  }
}

/** The array type `oid` over an element type. */
export function arrayType(element: Type, oid: number, name: string): Type {
  const facts: TypeFacts = {
    ...factsOf({ oid, name, arrayOid: 0 }, 'b', 'A'),
    delimiter: element.delimiter,
    elementOid: element.oid,
    ioPrefix: 'array_',
    collationOid: element.isCollatable ? 100 : 0,
    subscript: 'array_subscript_handler',
  }
  return defineType(facts, arrayBehaviour(element), { kind: 'array' })
}

/** A row of pg_enum. */
export interface EnumLabel {
  readonly oid: number
  readonly label: string
  readonly sortOrder: number
}

/**
 * An enum: values are labels, ordered by sortOrder, stored as the labels' oids, so that labels can be
 * renamed.
 */
export function enumType(row: UserTypeRow, labels: readonly EnumLabel[]): Type {
  const byLabel = new Map(labels.map((label) => [label.label, label]))
  const byOid = new Map(labels.map((label) => [label.oid, label]))
  const find = (label: string): EnumLabel => {
    const found = byLabel.get(label)
    if (found === undefined)
      throw new SqlError('22P02', `invalid input value for enum ${row.name}: "${label}"`)
    return found
  }
  const behaviour: Behaviour<string> = {
    input: (text) => find(text).label,
    output: (value) => value,
    receive: (bytes, start, end) => find(receiveText(bytes, start, end)).label,
    send: (value, writer) => void writer.utf8(value),
    compare: (a, b) => find(a).sortOrder - find(b).sortOrder,
    hashKey: (value) => value,
    encodeKey: (value, writer) => writeKeyFloat8(find(value).sortOrder, writer),
    encodeStored: (value, writer) => writer.int32(find(value).oid),
    decodeStored(bytes, start) {
      const oid = bytes.readUInt32BE(start)
      const found = byOid.get(oid)
      if (found === undefined) throw new SqlError('22P03', `invalid internal value for enum: ${oid}`)
      return found.label
    },
  }
  return defineType({ ...factsOf(row, 'e', 'E'), length: 4 }, behaviour, { kind: 'enum' })
}

/**
 * A domain over `base` with the base's typmod. Its Type checks nothing: NOT NULL and CHECK need expressions,
 * and belong to whoever coerces to the domain.
 */
export function domainType(row: UserTypeRow, base: Type, baseTypmod: number): Type {
  const behaviour: Behaviour<NonNullable<Value>> = {
    input: (text, _typmod, context) => base.input(text, baseTypmod, context) as NonNullable<Value>,
    output: base.output,
    receive: (bytes, start, end, _typmod, context) =>
      base.receive(bytes, start, end, baseTypmod, context) as NonNullable<Value>,
    send: base.send,
    writeText: base.writeText,
    compare: base.compare,
    hashKey: base.hashKey,
    encodeKey: base.encodeKey,
    rowSlot: base.rowSlot,
    encodeStored: base.encodeStored,
    decodeStored: base.decodeStored as (bytes: Buffer, start: number, end: number) => NonNullable<Value>,
  }
  const facts: TypeFacts = {
    ...factsOf(row, 'd', base.category),
    length: base.length,
    delimiter: base.delimiter,
    collationOid: base.isCollatable ? 100 : 0,
  }
  return defineType(facts, behaviour, { kind: 'domain', baseOid: base.oid })
}

/** A composite type with these columns; `find` knows the types of nested records. */
export function compositeType(row: UserTypeRow, fields: readonly RecordField[], find: TypeResolver): Type {
  return defineType(factsOf(row, 'c', 'C'), compositeBehaviour(row.oid, fields, find), { kind: 'composite' })
}
