// Each answer as PostgreSQL's documentation spells its bytes (section 55.7).

import { expect, test } from 'vitest'
import { MessageSink } from './message-sink.ts'

class Outlet {
  readonly sent: Buffer[] = []
  hasLeft = true
  write(bytes: Buffer): boolean {
    this.sent.push(this.hasLeft ? Buffer.from(bytes) : bytes)
    return this.hasLeft
  }
  drained(): undefined {
    return undefined
  }
}

function written(use: (sink: MessageSink) => void): string {
  const sink = new MessageSink(new Outlet())
  use(sink)
  return sink.writer.copy().toString('hex')
}

test('messages without a body', () => {
  expect(written((sink) => sink.parseComplete())).toBe('3100000004')
  expect(written((sink) => sink.bindComplete())).toBe('3200000004')
  expect(written((sink) => sink.closeComplete())).toBe('3300000004')
  expect(written((sink) => sink.emptyQuery())).toBe('4900000004')
  expect(written((sink) => sink.noData())).toBe('6e00000004')
  expect(written((sink) => sink.portalSuspended())).toBe('7300000004')
  expect(written((sink) => sink.copyDone())).toBe('6300000004')
})

test('ReadyForQuery in its three states', () => {
  expect(written((sink) => sink.ready('I'))).toBe('5a0000000549')
  expect(written((sink) => sink.ready('T'))).toBe('5a0000000554')
  expect(written((sink) => sink.ready('E'))).toBe('5a0000000545')
})

test('RowDescription', () => {
  const field = {
    name: 'a',
    tableOid: 16384,
    columnNumber: 2,
    typeOid: 23,
    typeLength: 4,
    typeModifier: -1,
    format: 1,
  }
  expect(written((sink) => sink.rowDescription([field]))).toBe(
    '540000001a' + '0001' + '6100' + '00004000' + '0002' + '00000017' + '0004' + 'ffffffff' + '0001',
  )
})

test('DataRow, written in place', () => {
  const hex = written((sink) => {
    sink.beginRow(2)
    sink.writer.int32(-1)
    sink.writer.int32(2)
    sink.writer.utf8('hi')
    sink.endRow()
  })
  expect(hex).toBe('4400000010' + '0002' + 'ffffffff' + '00000002' + '6869')
})

test('an aborted row leaves nothing', () => {
  const hex = written((sink) => {
    sink.noData()
    sink.beginRow(1)
    sink.writer.int32(7)
    sink.abortRow()
    sink.commandComplete('SELECT 0')
  })
  expect(hex).toBe('6e00000004' + '430000000d' + Buffer.from('SELECT 0\0').toString('hex'))
})

test('ParameterDescription, ParameterStatus, BackendKeyData, NotificationResponse', () => {
  expect(written((sink) => sink.parameterDescription([23, 25]))).toBe(
    '740000000e' + '0002' + '00000017' + '00000019',
  )
  expect(written((sink) => sink.parameterStatus('a', 'b'))).toBe('5300000008' + '6100' + '6200')
  expect(written((sink) => sink.backendKeyData(1, 0x7fffffff))).toBe('4b0000000c' + '00000001' + '7fffffff')
  expect(written((sink) => sink.notification(5, 'c', ''))).toBe('410000000b' + '00000005' + '6300' + '00')
})

test('authentication requests', () => {
  expect(written((sink) => sink.authentication(0))).toBe('5200000008' + '00000000')
  expect(written((sink) => sink.authentication(5, Buffer.from([1, 2, 3, 4])))).toBe(
    '520000000c' + '00000005' + '01020304',
  )
})

test('NegotiateProtocolVersion', () => {
  expect(written((sink) => sink.negotiateProtocolVersion(0x30000, ['_pq_.x']))).toBe(
    '7600000013' + '00030000' + '00000001' + Buffer.from('_pq_.x\0').toString('hex'),
  )
})

test('CopyInResponse, CopyOutResponse and CopyData', () => {
  expect(written((sink) => sink.copyIn(0, [0, 0]))).toBe('470000000b' + '00' + '0002' + '0000' + '0000')
  expect(written((sink) => sink.copyOut(1, [1]))).toBe('4800000009' + '01' + '0001' + '0001')
  const data = written((sink) => {
    sink.beginCopyData()
    sink.writer.utf8('x\n')
    sink.endCopyData()
  })
  expect(data).toBe('6400000006' + '780a')
})

test('ErrorResponse has the fields in PostgreSQL order', () => {
  const hex = written((sink) =>
    sink.error({
      severity: 'ERROR',
      code: '23505',
      message: 'm',
      origin: 'sql',
      fields: {
        detail: 'd',
        hint: 'h',
        where: 'w',
        schema: 's',
        table: 't',
        column: 'c',
        dataType: 'y',
        constraint: 'n',
        position: 9,
      },
    }),
  )
  const text = 'SERROR\0VERROR\0C23505\0Mm\0Dd\0Hh\0Ww\0ss\0tt\0cc\0dy\0nn\0P9\0Fborealis\0L1\0Rsql\0\0'
  const length = (4 + text.length).toString(16).padStart(8, '0')
  expect(hex).toBe(`45${length}${Buffer.from(text).toString('hex')}`)
})

test('an error takes back the row it struck in', () => {
  const hex = written((sink) => {
    sink.beginRow(1)
    sink.error({ severity: 'ERROR', code: '22012', message: 'm', origin: 'sql', fields: {} })
  })
  expect(hex.startsWith('45')).toBe(true)
})

test('flush hands over everything; memory the socket still holds is not written again', () => {
  const outlet = new Outlet()
  const sink = new MessageSink(outlet)
  outlet.hasLeft = false
  sink.parseComplete()
  expect(sink.flush()).toBeUndefined()
  sink.bindComplete()
  void sink.flush()
  expect(outlet.sent.map((bytes) => bytes.toString('hex'))).toEqual(['3100000004', '3200000004'])
  void sink.flush()
  expect(outlet.sent.length).toBe(2)
})

test('only what lies before the mark leaves while a call waits', () => {
  const outlet = new Outlet()
  const sink = new MessageSink(outlet)
  sink.ready('I')
  sink.commandComplete('COMMIT')
  sink.flushMarked()
  sink.flushMarked()
  expect(outlet.sent.map((bytes) => bytes.toString('hex'))).toEqual(['5a0000000549'])
  sink.ready('I')
  void sink.flush()
  expect(outlet.sent[1]?.toString('hex')).toBe('430000000b434f4d4d4954005a0000000549')
})

test('a sink is full at 64 KiB', () => {
  const sink = new MessageSink(new Outlet())
  expect(sink.isFull).toBe(false)
  sink.parameterStatus('a', 'x'.repeat(65_536))
  expect(sink.isFull).toBe(true)
  void sink.flush()
  expect(sink.isFull).toBe(false)
})

test('a CommandComplete is taken back while it is the last, and only it', () => {
  const before = written((sink) => sink.parseComplete())
  const taken = written((sink) => {
    sink.parseComplete()
    sink.commandComplete('COMMIT')
    sink.retractComplete()
    sink.retractComplete()
  })
  expect(taken).toBe(before)
  const outlet = new Outlet()
  const sink = new MessageSink(outlet)
  sink.bindComplete()
  sink.mark()
  sink.commandComplete('COMMIT')
  sink.flushMarked()
  sink.retractComplete()
  expect(sink.writer.length).toBe(0)
  sink.commandComplete('SELECT 1')
  sink.ready('I')
  const { length } = sink.writer
  sink.retractComplete()
  expect(sink.writer.length).toBe(length)
  void sink.flush()
  sink.retractComplete()
  expect(sink.writer.length).toBe(0)
})
