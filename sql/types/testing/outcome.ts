// Our side of a comparison with the oracle: the same Outcome, made by a Type.

import { ByteWriter } from '../../../storage/base/byte-writer.ts'
import { SqlError } from '../sql-error.ts'
import type { Type, TypeContext } from '../type.ts'
import type { Value } from '../value.ts'
import type { Outcome } from './oracle.ts'

/** The outcome of a computation of a value of `type`. */
export function outcomeOf(type: Type, context: TypeContext, compute: () => Value): Outcome {
  try {
    const value = compute()
    if (value === null) return { text: '', binary: '' }
    const writer = new ByteWriter(8)
    type.writeText(value, writer, context)
    const text = writer.copy().toString()
    const output = type.output(value, context)
    if (output !== text) throw new Error(`output ${output} and writeText ${text} differ`)
    writer.reset()
    type.send(value, writer, context)
    return { text, binary: writer.copy().toString('hex') }
  } catch (thrown) {
    if (!(thrown instanceof SqlError)) throw thrown
    const { detail = '', hint = '' } = thrown.fields
    return { code: thrown.code, message: thrown.message, detail, hint }
  }
}

/** The outcome of reading a text, then of reading back its binary and its stored form. */
export function outcomeOfInput(type: Type, context: TypeContext, text: string): Outcome {
  const outcome = outcomeOf(type, context, () => type.input(text, -1, context))
  if (!('text' in outcome)) return outcome
  const value = type.input(text, -1, context)
  if (value === null) return outcome
  const bytes = Buffer.from(outcome.binary, 'hex')
  const received = outcomeOf(type, context, () => type.receive(bytes, 0, bytes.length, -1, context))
  if (!('text' in received) || received.text !== outcome.text) {
    throw new Error(`${type.name} ${text}: received back as ${JSON.stringify(received)}`)
  }
  const writer = new ByteWriter(8)
  type.encodeStored(value, writer)
  const stored = writer.copy()
  const again = outcomeOf(type, context, () => type.decodeStored(stored, 0, stored.length))
  if (!('text' in again) || again.text !== outcome.text || again.binary !== outcome.binary) {
    throw new Error(`${type.name} ${text}: stored and read as ${JSON.stringify(again)}`)
  }
  return outcome
}
