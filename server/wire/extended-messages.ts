// Parse and Bind, the two front-end messages with structure (PostgreSQL documentation, section 55.7). Each keeps one
// object per connection that is filled again for each message; a session keeps neither of them after its call.

import type { BindRequest } from '../../sql/session/session.ts'
import type { MessageBody } from './message-body.ts'
import { protocolViolation } from './wire-error.ts'

const NONE: readonly number[] = Object.freeze([])
const ALL_TEXT: readonly number[] = Object.freeze([0])
const ALL_BINARY: readonly number[] = Object.freeze([1])

export class ParseMessage {
  statementName = ''
  text = ''
  parameterTypes: readonly number[] = NONE

  read(body: MessageBody): void {
    this.statementName = body.name()
    this.text = body.text()
    const count = body.uint16()
    if (count === 0) {
      this.parameterTypes = NONE
    } else {
      const types: number[] = []
      for (let i = 0; i < count; i++) types.push(body.int32() >>> 0)
      this.parameterTypes = types
    }
    body.finish()
  }
}

export class BindMessage implements BindRequest {
  portalName = ''
  statementName = ''
  parameterFormats: readonly number[] = NONE
  resultFormats: readonly number[] = NONE
  message: Buffer = Buffer.alloc(0)
  parameterCount = 0
  /** These two only grow: setting the length of an array costs more than all else that is done here. */
  readonly offsets: number[] = []
  readonly lengths: number[] = []

  read(body: MessageBody): void {
    this.portalName = body.name()
    this.statementName = body.name()
    this.parameterFormats = readFormats(body)
    this.message = body.bytes
    const count = body.uint16()
    const formatCount = this.parameterFormats.length
    if (formatCount > 1 && formatCount !== count) {
      throw protocolViolation(`bind message has ${formatCount} parameter formats but ${count} parameters`)
    }
    this.parameterCount = count
    for (let i = 0; i < count; i++) {
      const length = body.int32()
      this.offsets[i] = body.at
      this.lengths[i] = length
      if (length !== -1) body.skip(length)
    }
    this.resultFormats = readFormats(body)
    body.finish()
  }
}

/** Format codes. The common lists are shared, frozen objects: a session may keep them with its portal. */
function readFormats(body: MessageBody): readonly number[] {
  const count = body.uint16()
  if (count === 0) return NONE
  const first = body.int16()
  if (count === 1 && first === 0) return ALL_TEXT
  if (count === 1 && first === 1) return ALL_BINARY
  const formats = [first]
  for (let i = 1; i < count; i++) formats.push(body.int16())
  return formats
}
