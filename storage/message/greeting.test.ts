import { expect, test } from 'vitest'

import { type Frame, FrameReader } from './frame.ts'
import { type Callee, CalleeGreeting, type Caller, CallerGreeting, encodeRefusal } from './greeting.ts'

const CALLER: Caller = { clusterId: 'one', role: 'writer', node: 0 }
const CALLEE: Callee = { clusterId: 'one', node: 3, zone: 'az2' }
const nonce = (seed: number): Buffer => Buffer.alloc(16, seed)

function frameOf(bytes: Buffer): Frame {
  const reader = new FrameReader()
  reader.push(bytes)
  return reader.next() as Frame
}

interface Meeting {
  readonly callerSecret?: string
  readonly calleeSecret?: string
  readonly caller?: Caller
  readonly callee?: Callee
  /** Changes what is on the wire: the number of the greeting and its bytes. */
  readonly tamper?: (greeting: number, bytes: Buffer) => Buffer
}

/** Both sides of one meeting; throws what either of them throws. */
function meet(meeting: Meeting): { readonly caller: Caller | undefined; readonly callee: Callee } {
  const { tamper = (_greeting, bytes) => bytes } = meeting
  const calling = new CallerGreeting(meeting.caller ?? CALLER, {
    secret: meeting.callerSecret,
    nonce: nonce(1),
  })
  const listening = new CalleeGreeting(() => meeting.callee ?? CALLEE, {
    secret: meeting.calleeSecret,
    nonce: nonce(2),
  })
  const challenge = listening.receive(frameOf(tamper(1, calling.start())))
  expect(challenge.caller).toBeUndefined()
  const proof = calling.receive(frameOf(tamper(2, challenge.send)))
  const welcome = listening.receive(frameOf(tamper(3, proof as Buffer)))
  const callee = calling.receive(frameOf(tamper(4, welcome.send)))
  return { caller: welcome.caller, callee: callee as Callee }
}

test('with the same secret, or none, both know who the other is', () => {
  expect(meet({})).toEqual({ caller: CALLER, callee: CALLEE })
  expect(meet({ callerSecret: 's', calleeSecret: 's' })).toEqual({ caller: CALLER, callee: CALLEE })
})

test('the secret does not travel', () => {
  const secret = 'correct horse battery staple'
  let wire = ''
  const tamper = (_greeting: number, bytes: Buffer): Buffer => {
    wire += bytes.toString('latin1')
    return bytes
  }
  meet({ callerSecret: secret, calleeSecret: secret, tamper })
  expect(wire).not.toContain('correct')
})

test('another secret, or one side without, is refused', () => {
  const refused = /the caller does not know the cluster secret/
  expect(() => meet({ callerSecret: 'a', calleeSecret: 'b' })).toThrow(refused)
  expect(() => meet({ calleeSecret: 'b' })).toThrow(refused)
  expect(() => meet({ callerSecret: 'a' })).toThrow(/has a cluster secret and this node has none/)
})

test('a node that only pretends to know the secret is refused', () => {
  // It answers with what the caller proved, and with nothing.
  let proof: Buffer = Buffer.alloc(0)
  const reflect = (greeting: number, bytes: Buffer): Buffer => {
    if (greeting === 3) proof = bytes
    if (greeting !== 4) return bytes
    const welcome = Buffer.from(bytes)
    proof.copy(welcome, welcome.length - 32, proof.length - 32)
    return welcome
  }
  expect(() => meet({ callerSecret: 's', calleeSecret: 's', tamper: reflect })).toThrow(/checksum/)
})

test('what was said cannot be changed on the way', () => {
  const claimAnotherZone = (greeting: number, bytes: Buffer): Buffer => {
    if (greeting !== 2) return bytes
    const listening = new CalleeGreeting(() => ({ ...CALLEE, zone: 'az9' }), { secret: 's', nonce: nonce(2) })
    return listening.receive(frameOf(new CallerGreeting(CALLER, { secret: 's', nonce: nonce(1) }).start()))
      .send
  }
  expect(() => meet({ callerSecret: 's', calleeSecret: 's', tamper: claimAnotherZone })).toThrow(
    /does not know the cluster secret/,
  )
})

test('another cluster is refused by name, an unknown one is not', () => {
  const other = { ...CALLEE, clusterId: 'two' }
  expect(() => meet({ callee: other })).toThrow('node 3 belongs to cluster two, the caller to cluster one')
  const listening = new CalleeGreeting(() => other, { secret: undefined, nonce: nonce(2) })
  const challenge = listening.receive(
    frameOf(new CallerGreeting({ ...CALLER, clusterId: '' }, { secret: undefined, nonce: nonce(1) }).start()),
  )
  const calling = new CallerGreeting(CALLER, { secret: undefined, nonce: nonce(1) })
  expect(() => calling.receive(frameOf(challenge.send))).toThrow(
    'node 3 belongs to cluster two, the caller to cluster one',
  )
  expect(meet({ callee: { ...CALLEE, clusterId: '' } }).callee.clusterId).toBe('')
})

test('another version is refused in words that both sides hear', () => {
  // The version is the second byte of the head.
  const older = (bytes: Buffer): Frame => {
    const { kind, head, tail } = frameOf(bytes)
    const changed = Buffer.from(head)
    changed[1] = 1
    return { kind, head: changed, tail }
  }
  const secrets = { secret: undefined, nonce: nonce(1) }
  const listening = new CalleeGreeting(() => CALLEE, secrets)
  const hello = older(new CallerGreeting(CALLER, secrets).start())
  let error: unknown
  try {
    listening.receive(hello)
  } catch (thrown) {
    error = thrown
  }
  expect(error).toMatchObject({
    kind: 'version',
    message: expect.stringContaining('version 1 of the storage protocol'),
  })
  const refusal = encodeRefusal(error as Parameters<typeof encodeRefusal>[0])
  const calling = new CallerGreeting(CALLER, secrets)
  expect(() => calling.receive(frameOf(refusal))).toThrow(expect.objectContaining({ kind: 'version' }))
})
