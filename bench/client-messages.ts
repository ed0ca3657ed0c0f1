// Front-end messages as pgbench sends them (PostgreSQL documentation, section 55.7).

/** A message of `type` with this body. */
function message(type: string, ...parts: readonly Buffer[]): Buffer {
  const body = Buffer.concat(parts)
  return Buffer.concat([Buffer.from(type), int32(body.length + 4), body])
}

function int32(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeInt32BE(value)
  return bytes
}

function int16(value: number): Buffer {
  const bytes = Buffer.alloc(2)
  bytes.writeInt16BE(value)
  return bytes
}

function text(value: string): Buffer {
  return Buffer.from(`${value}\0`)
}

export function startupMessage(user: string): Buffer {
  const body = Buffer.concat([int32(3 << 16), text('user'), text(user), text('')])
  return Buffer.concat([int32(body.length + 4), body])
}

export function queryMessage(query: string): Buffer {
  return message('Q', text(query))
}

export function parseMessage(name: string, query: string): Buffer {
  return message('P', text(name), text(query), int16(0))
}

export function syncMessage(): Buffer {
  return message('S')
}

/** Bind of text parameters, Describe, Execute and Sync: a prepared statement as libpq runs it. */
export function bindMessage(name: string, parameters: readonly string[]): Buffer {
  const values = parameters.flatMap((value) => [int32(Buffer.byteLength(value)), Buffer.from(value)])
  const counted = Buffer.concat([int16(parameters.length), ...values])
  // One result format: text.
  const bind = message('B', text(''), text(name), int16(0), counted, int16(1), int16(0))
  const describe = message('D', Buffer.from('P'), text(''))
  const execute = message('E', text(''), int32(0))
  return Buffer.concat([bind, describe, execute, syncMessage()])
}
