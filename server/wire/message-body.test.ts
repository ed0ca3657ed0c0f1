// Bodies of front-end messages: what they hold, and what is refused with which words.

import { expect, test } from 'vitest'
import { BindMessage, ParseMessage } from './extended-messages.ts'
import { MessageBody } from './message-body.ts'
import { readStartupPacket } from './startup-packet.ts'

function over(...parts: readonly (string | number[])[]): MessageBody {
  const bytes = Buffer.concat(
    parts.map((part) => (typeof part === 'string' ? Buffer.from(part, 'latin1') : Buffer.from(part))),
  )
  const body = new MessageBody()
  body.reset(bytes, 0, bytes.length)
  return body
}

test('Parse', () => {
  const parse = new ParseMessage()
  parse.read(over('s1\0', 'select $1\0', [0, 2], [0, 0, 0, 23], [0xff, 0xff, 0xff, 0xff]))
  expect(parse).toEqual({ statementName: 's1', text: 'select $1', parameterTypes: [23, 0xffffffff] })
})

test('Bind: offsets and lengths point into the message', () => {
  const bind = new BindMessage()
  const body = over(
    'p\0',
    's\0',
    [0, 1, 0, 1],
    [0, 3],
    [0, 0, 0, 2],
    'ab',
    [255, 255, 255, 255],
    [0, 0, 0, 0],
    [0, 0],
  )
  bind.read(body)
  expect([bind.portalName, bind.statementName]).toEqual(['p', 's'])
  expect(bind.parameterFormats).toEqual([1])
  expect(bind.lengths).toEqual([2, -1, 0])
  expect(bind.message.toString('latin1', bind.offsets[0], (bind.offsets[0] ?? 0) + 2)).toBe('ab')
  expect(bind.resultFormats).toEqual([])
})

test('a Bind that says more than it holds', () => {
  const read = (body: MessageBody) => () => new BindMessage().read(body)
  expect(read(over('\0', '\0', [0, 0], [0, 1], [0, 0, 0, 9], 'x'))).toThrow(
    'insufficient data left in message',
  )
  expect(read(over('\0', '\0', [0, 0], [0, 1], [0x80, 0, 0, 0], 'x'))).toThrow(
    'insufficient data left in message',
  )
  expect(read(over('\0', '\0', [0, 0], [0xff, 0xff]))).toThrow('insufficient data left in message')
  expect(read(over('\0', '\0', [0, 2, 0, 0, 0, 0], [0, 1], [0, 0, 0, 0], [0, 0]))).toThrow(
    'bind message has 2 parameter formats but 1 parameters',
  )
  expect(read(over('\0', '\0', [0, 0], [0, 0], [0, 0], 'z'))).toThrow('invalid message format')
  expect(read(over('portal without end'))).toThrow('invalid string in message')
})

test('the same name is the same string, and other names are not', () => {
  const body = over('P0_1\0', 'P0_1\0', 'P0_2\0', 'Q0_1\0', '\0')
  expect([body.name(), body.name(), body.name(), body.name(), body.name()]).toEqual([
    'P0_1',
    'P0_1',
    'P0_2',
    'Q0_1',
    '',
  ])
})

test('text that is not UTF-8 names its bytes', () => {
  expect(() => over('a\xff\0').text()).toThrow('invalid byte sequence for encoding "UTF8": 0xff')
  expect(() => over('\xc3(\0').text()).toThrow('invalid byte sequence for encoding "UTF8": 0xc3 0x28')
  expect(over('\xef\xbf\xbd\0').text()).toBe('\ufffd')
})

const V3 = 0x30000

test('startup parameters; the database defaults to the user', () => {
  const packet = readStartupPacket(V3, over('user\0ann\0', 'application_name\0x\0', '\0'))
  expect(packet).toMatchObject({ user: 'ann', database: 'ann', needsNegotiation: false })
  expect([...packet.parameters]).toEqual([['application_name', 'x']])
})

test('newer minor versions and unknown protocol options are negotiated', () => {
  expect(readStartupPacket(V3 + 2, over('user\0a\0\0')).needsNegotiation).toBe(true)
  const packet = readStartupPacket(V3, over('user\0a\0', '_pq_.fancy\0on\0', '\0'))
  expect(packet.unknownOptions).toEqual(['_pq_.fancy'])
  expect(packet.parameters.size).toBe(0)
})

test('bad startup packets', () => {
  expect(() => readStartupPacket(0x20000, over('\0'))).toThrow(
    'unsupported frontend protocol 2.0: server supports 3.0 to 3.0',
  )
  expect(() => readStartupPacket(V3, over('\0'))).toThrow(
    'no PostgreSQL user name specified in startup packet',
  )
  expect(() => readStartupPacket(V3, over('user\0a\0'))).toThrow('expected terminator as last byte')
  expect(() => readStartupPacket(V3, over('user\0a\0\0junk'))).toThrow('expected terminator as last byte')
  expect(() => readStartupPacket(V3, over('user\0a\0', 'replication\0true\0\0'))).toThrow('not supported')
})

test('names are cut to 63 bytes, between characters', () => {
  const packet = readStartupPacket(V3, over(`user\0${'\xc3\xa4'.repeat(40)}\0\0`))
  expect(packet.user).toBe('ä'.repeat(31))
})
