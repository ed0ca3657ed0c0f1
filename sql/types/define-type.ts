// How a Type object is made: facts (a row of pg_type) and behaviour (functions) come together in one class,
// so that every Type in the process has the same hidden class and `type.writeText(...)` stays monomorphic up
// to the call itself.
//
//   TypeFacts ──┐
//               ├──▶ defineType ──▶ Type        what a behaviour leaves out is derived:
//   Behaviour ──┘                                 writeText from output, stored form from text, no typmod

import type { ByteWriter } from '../../storage/base/byte-writer.ts'
import { SLOT_CODECS } from './slot-codec.ts'
import { SqlError } from './sql-error.ts'
import type { RowSlot, Type, TypeContext, TypeKind } from './type.ts'
import type { TypeFacts } from './type-facts.ts'
import type { Value } from './value.ts'

/**
 * What a type does, over its own representation V. A behaviour with the slot 'variable' whose values are not
 * strings must bring encodeStored and decodeStored.
 */
export interface Behaviour<V> {
  input(text: string, typmod: number, context: TypeContext): V
  output(value: V, context: TypeContext): string
  receive(bytes: Buffer, start: number, end: number, typmod: number, context: TypeContext): V
  send(value: V, writer: ByteWriter, context: TypeContext): void
  writeText?: ((value: V, writer: ByteWriter, context: TypeContext) => void) | undefined
  compare?: ((a: V, b: V) => number) | undefined
  hashKey?: ((value: V) => string | number | bigint | boolean) | undefined
  encodeKey?: ((value: V, writer: ByteWriter) => void) | undefined
  rowSlot?: RowSlot | undefined
  encodeStored?: ((value: V, writer: ByteWriter) => void) | undefined
  decodeStored?: ((bytes: Buffer, start: number, end: number) => V) | undefined
  typmodIn?: ((args: readonly string[]) => number) | undefined
  typmodOut?: ((typmod: number) => string) | undefined
  applyTypmod?: ((value: V, typmod: number, explicit: boolean) => V) | undefined
}

type AnyBehaviour = Behaviour<NonNullable<Value>>

const KINDS: Readonly<Record<TypeFacts['kind'], TypeKind>> = {
  b: 'base',
  c: 'composite',
  d: 'domain',
  e: 'enum',
  p: 'pseudo',
  r: 'range',
  m: 'multirange',
}

/** One Type. `kind` overrides what the facts say ('array'), `baseOid` is for domains. */
export function defineType<V extends NonNullable<Value>>(
  facts: TypeFacts,
  behaviour: Behaviour<V>,
  options: { readonly kind?: TypeKind; readonly baseOid?: number } = {},
): Type {
  // A Type is called only with values of its own type, which is what its callers know and TypeScript cannot.
  return new TypeObject(
    facts,
    behaviour as unknown as AnyBehaviour,
    options.kind ?? KINDS[facts.kind],
    options.baseOid ?? 0,
  )
}

class TypeObject implements Type {
  readonly oid: number
  readonly name: string
  readonly kind: TypeKind
  readonly length: number
  readonly category: string
  readonly isPreferred: boolean
  readonly elementOid: number
  readonly arrayOid: number
  readonly baseOid: number
  readonly isCollatable: boolean
  readonly delimiter: string
  readonly rowSlot: RowSlot
  readonly input: Type['input']
  readonly output: Type['output']
  readonly receive: Type['receive']
  readonly send: Type['send']
  readonly writeText: Type['writeText']
  readonly compare: Type['compare']
  readonly hashKey: Type['hashKey']
  readonly encodeKey: Type['encodeKey']
  readonly encodeStored: Type['encodeStored']
  readonly decodeStored: Type['decodeStored']
  readonly typmodIn: Type['typmodIn']
  readonly typmodOut: Type['typmodOut']
  readonly applyTypmod: Type['applyTypmod']

  constructor(facts: TypeFacts, behaviour: AnyBehaviour, kind: TypeKind, baseOid: number) {
    this.oid = facts.oid
    this.name = facts.name
    this.kind = kind
    this.length = facts.length
    this.category = facts.category
    this.isPreferred = facts.isPreferred
    this.elementOid = facts.elementOid
    this.arrayOid = facts.arrayOid
    this.baseOid = baseOid
    this.isCollatable = facts.collationOid !== 0
    this.delimiter = facts.delimiter
    this.rowSlot = behaviour.rowSlot ?? 'variable'
    const { output } = behaviour
    this.input = behaviour.input
    this.output = output
    this.receive = behaviour.receive
    this.send = behaviour.send
    this.writeText =
      behaviour.writeText ?? ((value, writer, context): void => void writer.utf8(output(value, context)))
    this.compare = behaviour.compare
    this.hashKey = behaviour.hashKey
    this.encodeKey = behaviour.encodeKey
    const slot = SLOT_CODECS[this.rowSlot]
    this.encodeStored = behaviour.encodeStored ?? slot.encode
    this.decodeStored = behaviour.decodeStored ?? slot.decode
    const { name } = facts
    this.typmodIn =
      behaviour.typmodIn ??
      ((): never => {
        throw new SqlError('42601', `type modifier is not allowed for type "${name}"`)
      })
    this.typmodOut = behaviour.typmodOut ?? ((typmod): string => (typmod < 0 ? '' : `(${typmod})`))
    this.applyTypmod = behaviour.applyTypmod ?? ((value): Value => value)
  }
}
