// Options: precedence, units, and the one clear message for each mistake.

import { expect, test } from 'vitest'
import { isLoopback } from './flags.ts'
import { DEFAULT_OPTIONS, flagHelp, readOptions } from './options.ts'

const noFile = (path: string): string => {
  throw new Error(`no such file: ${path}`)
}
const read = (args: readonly string[], env: Record<string, string> = {}) => readOptions(args, env, noFile)

test('defaults', () => {
  expect(read([])).toEqual(DEFAULT_OPTIONS)
})

test('flag beats environment beats file beats default', () => {
  const file = (): string => "# ports\nport = 1\nhost = '127.0.0.3'  # quoted\ndata = /x y\n"
  const options = readOptions(
    ['--port', '3', '--config=f'],
    { BOREALIS_PORT: '2', BOREALIS_HOST: '127.0.0.2' },
    file,
  )
  expect(options).toMatchObject({ port: 3, host: '127.0.0.2', data: '/x y' })
})

test('units', () => {
  expect(read(['--buffer-pool', '512MB']).bufferPoolBytes).toBe(512 * 1024 * 1024)
  expect(read(['--idle-timeout', '10min', '--grace', '0'])).toMatchObject({
    idleTimeoutMs: 600_000,
    graceMs: 0,
  })
  expect(read(['--idle-timeout', '0']).idleTimeoutMs).toBeUndefined()
})

test('quorums', () => {
  expect(read(['--quorum', '1,1,1']).quorum).toEqual({ nodeCount: 1, writeCount: 1, readCount: 1 })
  expect(() => read(['--quorum', '6,3,4'])).toThrow('more than half')
  expect(() => read(['--quorum', '6,4,2'])).toThrow('overlap')
  expect(() => read(['--quorum', '6,7,2'])).toThrow('--quorum: "6,7,2" needs 1 to NODES')
  expect(() => read(['--quorum', 'six'])).toThrow('NODES,WRITE,READ')
})

test('mistakes', () => {
  expect(() => read(['--prot', '1'])).toThrow('unknown option "--prot"; see --help')
  expect(() => read(['serve'])).toThrow('unknown option "serve"')
  expect(() => read(['--port'])).toThrow('--port needs a value')
  expect(() => read(['--port', '65536'])).toThrow('--port: "65536" is not an integer from 0 to 65535')
  expect(() => read([], { BOREALIS_PORT: 'x' })).toThrow('BOREALIS_PORT: "x" is not an integer')
  expect(() => read(['--auth', 'none'])).toThrow('is not one of trust, password, md5, scram-sha-256')
  expect(() => read(['--buffer-pool', '5 bananas'])).toThrow('is not a number with a unit (kb, mb, gb, tb)')
  expect(() => read(['--buffer-pool', '1MB'])).toThrow('is not between')
  expect(() => read(['--tls-cert', 'x'])).toThrow('together')
  expect(() => read(['--config', 'f'])).toThrow('cannot read f: no such file: f')
  expect(() => readOptions(['--config', 'f'], {}, () => 'port 5')).toThrow('f:1: expected NAME = VALUE')
})

test('storage nodes elsewhere', () => {
  const six = [1, 2, 3, 4, 5, 6].map((n) => `127.0.0.1:700${n}`)
  expect(read(['--storage', six.join(','), '--tail-segments']).storage).toEqual(six)
  expect(read(['--storage', 'embedded', '--fault-injection']).faultInjection).toBe(true)
  expect(read([], { BOREALIS_FAULT_INJECTION: 'off' }).faultInjection).toBe(false)
  expect(read(['--storage', '[::1]:7001', '--quorum', '1,1,1']).storage).toEqual(['[::1]:7001'])
  expect(() => read(['--storage', 'a:1'])).toThrow('--storage names 1 nodes, --quorum wants 6')
  expect(() => read(['--storage', 'a'])).toThrow('is no list of HOST:PORT')
  expect(() => read(['--storage', 'a:1,a:1'])).toThrow('is no list of HOST:PORT')
  expect(() => read(['--storage', 'a:1', '--quorum', '1,1,1'])).toThrow('need a --cluster-secret')
  expect(
    read(['--storage', 'a:1', '--quorum', '1,1,1'], { BOREALIS_CLUSTER_SECRET: 's' }).clusterSecret,
  ).toBe('s')
  expect(() => read(['--segment-size', '1000001'])).toThrow('no multiple of 8192')
})

test('a host others can reach needs authentication', () => {
  expect(() => read(['--host', '0.0.0.0'])).toThrow('refusing to listen on 0.0.0.0 without authentication')
  expect(() => read(['--host', '::'])).toThrow('refusing')
  expect(read(['--host', '0.0.0.0', '--auth', 'scram-sha-256']).host).toBe('0.0.0.0')
  expect(['127.0.0.1', '127.9.9.9', '::1', 'localhost', '::ffff:127.0.0.1'].every(isLoopback)).toBe(true)
  expect(['0.0.0.0', '::', '10.0.0.1', 'example.org', '127.0.0.1.example.org'].some(isLoopback)).toBe(false)
})

test('every flag is in the help', () => {
  expect(flagHelp().split('\n').length).toBe(30)
})
