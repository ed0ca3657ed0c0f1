// docker/ is run by no test, since the test machines have no container engine: so what it says is read here, and every
// command in it by the parser of the command line. (test/volume/topology.test.ts runs the same topology as processes.)

import { readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'

import { readOptions } from '../server/options/options.ts'
import { readStorageNodeOptions } from '../server/options/storage-node-options.ts'

const ROOT = join(dirname(fileURLToPath(import.meta.url)), '..')
const compose = readFileSync(join(ROOT, 'docker', 'compose.yaml'), 'utf8')
const dockerfile = readFileSync(join(ROOT, 'docker', 'Dockerfile'), 'utf8')

interface Service {
  readonly command: readonly string[]
  readonly environment: Readonly<Record<string, string>>
}

const noFile = (path: string): string => {
  throw new Error(`nothing reads ${path}`)
}

/** The lines below a key, less their indentation. The file keeps to what this reads. */
function block(text: string, key: string): string {
  const lines = text.split('\n')
  const from = lines.findIndex((line) => line.replace(/ &\w+$/, '') === `${key}:`)
  if (from < 0) return ''
  const rest = lines.slice(from + 1)
  const end = rest.findIndex((line) => /^\S/.test(line))
  return rest
    .slice(0, end < 0 ? rest.length : end)
    .map((line) => line.slice(2))
    .join('\n')
}

/** Variables that whoever starts it must choose have a value here. */
function environmentOf(text: string): Record<string, string> {
  const pairs = [...block(text, 'environment').matchAll(/^(\w+): (.+)$/gm)]
  return Object.fromEntries(
    pairs.map(([, name = '', value = '']) => [
      name,
      value.replace(/\$\{\w+:\?[^}]*\}/, 'chosen').replace(/^'(.*)'$/, '$1'),
    ]),
  )
}

const IMAGE_ENVIRONMENT: Record<string, string> = Object.fromEntries(
  [...dockerfile.matchAll(/^ENV (.+)$/gm)].flatMap(([, pairs = '']) =>
    pairs.split(' ').map((pair) => pair.split('=') as [string, string]),
  ),
)

function service(name: string): Service {
  const own = block(block(compose, 'services'), name)
  const command = /^command: \[(.*)\]$/m.exec(own)?.[1] ?? ''
  const inherited = own.includes('<<: *node') ? environmentOf(block(compose, 'x-node')) : {}
  return {
    command: command.split(', ').map((word) => word.replace(/^'(.*)'$/, '$1')),
    environment: { ...IMAGE_ENVIRONMENT, ...inherited, ...environmentOf(own) },
  }
}

test('six storage nodes in three zones, which back up', () => {
  const nodes = [1, 2, 3, 4, 5, 6].map((number) => {
    const { command, environment } = service(`node${number}`)
    expect(command[0]).toBe('storage-node')
    return readStorageNodeOptions(command.slice(1), environment, noFile)
  })
  expect(nodes.map(({ id, az }) => `${id} ${az}`)).toEqual([
    '1 az1',
    '2 az2',
    '3 az3',
    '4 az1',
    '5 az2',
    '6 az3',
  ])
  for (const node of nodes) {
    expect(node).toMatchObject({ host: '0.0.0.0', port: 7000, clusterSecret: 'chosen' })
    expect(node.backup).toBe(nodes[0]?.backup)
  }
})

test('the backup goes to the bucket that is made in the store that runs', () => {
  const { environment } = service('node1')
  const backup = new URL(environment['BOREALIS_BACKUP'] ?? '')
  const bucket = service('bucket')
  expect(bucket.command).toEqual(['mb', '--ignore-existing', `store/${backup.hostname}`])
  const store = new URL(bucket.environment['MC_HOST_store'] ?? '')
  expect(new URL(backup.searchParams.get('endpoint') ?? '').host).toBe(store.host)
  expect(block(compose, 'services')).toContain(`\n${store.hostname}:\n`)
  expect(`${store.username} ${store.password}`).toBe(
    `${environment['AWS_ACCESS_KEY_ID']} ${environment['AWS_SECRET_ACCESS_KEY']}`,
  )
})

test('the server finds the nodes, and is published on loopback only', () => {
  const { command, environment } = service('server')
  expect(command[0]).toBe('serve')
  const options = readOptions(command.slice(1), environment, noFile)
  expect(options).toMatchObject({
    host: '0.0.0.0',
    port: 5432,
    auth: 'scram-sha-256',
    clusterSecret: 'chosen',
    password: 'chosen',
  })
  expect(options.storage).toEqual([1, 2, 3, 4, 5, 6].map((number) => `node${number}:7000`))
  expect([...compose.matchAll(/^ +- '(.*:\d+)'$/gm)].map(([, port]) => port)).toEqual(['127.0.0.1:5432:5432'])
})

test('the image runs what the package names, and its own command is one', () => {
  const json = (name: string): string[] =>
    JSON.parse(new RegExp(`^${name} (.*)$`, 'm').exec(dockerfile)?.[1] ?? '[]') as string[]
  const { bin } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as {
    readonly bin: Readonly<Record<string, string>>
  }
  expect(json('ENTRYPOINT')).toEqual(['node', bin['borealis']])
  const [command, ...args] = json('CMD')
  expect(command).toBe('serve')
  expect(readOptions(args, IMAGE_ENVIRONMENT, noFile)).toMatchObject({
    host: '0.0.0.0',
    auth: 'scram-sha-256',
  })
})
