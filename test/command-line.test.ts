// The command line as a process: help, version, mistakes, and the line it prints when it serves.

import { spawn, spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { RawClient } from './support/raw-client.ts'

const ROOT = join(dirname(fileURLToPath(import.meta.url)), '..')
const COMMAND = ['--import', 'tsx', join(ROOT, 'server', 'main.ts')]

interface Outcome {
  readonly status: number | null
  readonly stdout: string
  readonly stderr: string
}

function run(...args: readonly string[]): Outcome {
  const { status, stdout, stderr } = spawnSync(process.execPath, [...COMMAND, ...args], {
    encoding: 'utf8',
    cwd: ROOT,
  })
  return { status, stdout, stderr }
}

test('--help and --version', () => {
  expect(run('--help').stdout).toContain('--buffer-pool SIZE')
  expect(run('--version').stdout).toMatch(/^borealis \d+\.\d+\.\d+\n$/)
})

test.each([
  [['serve', '--port', 'x'], 'borealis: --port: "x" is not an integer from 0 to 65535\n'],
  [['serve', '--nonsense'], 'borealis: unknown option "--nonsense"; see --help\n'],
  [['dance'], 'borealis: unknown command "dance"; see --help\n'],
  [[], 'borealis: no command given; see --help\n'],
])('%j ends with one clear line and status 1', (args, stderr) => {
  expect(run(...args)).toEqual({ status: 1, stdout: '', stderr })
})

test('serve prints one line, answers, refuses a second server on its data or port, and drains on SIGTERM', async () => {
  const data = mkdtempSync(join(tmpdir(), 'borealis-cli-'))
  const args = ['serve', '--data', data, '--port', '0', '--log-level', 'error']
  const child = spawn(process.execPath, [...COMMAND, ...args], {
    cwd: ROOT,
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const exited = new Promise<number | null>((resolve) => child.once('exit', resolve))
  try {
    const line = await new Promise<string>((resolve) =>
      child.stdout.once('data', (chunk: Buffer) => resolve(String(chunk))),
    )
    expect(line).toMatch(/^listening on 127\.0\.0\.1:\d+\n$/)
    const port = Number(line.trim().split(':').at(-1))
    const client = await RawClient.login(port)
    expect(await client.query('select 1')).toContain('D 1')

    const second = run('serve', '--data', data, '--port', '0')
    expect(second).toMatchObject({ status: 1, stdout: '' })
    expect(second.stderr).toContain(data)
    const other = mkdtempSync(join(tmpdir(), 'borealis-cli-'))
    const third = run('serve', '--data', other, '--port', String(port), '--quorum', '1,1,1')
    rmSync(other, { recursive: true })
    expect(third).toEqual({
      status: 1,
      stdout: '',
      stderr: `borealis: port ${port} on 127.0.0.1 is already in use\n`,
    })

    child.kill('SIGTERM')
    expect(await client.untilClosed()).toEqual([
      'E FATAL 57P01 terminating connection due to administrator command',
    ])
    expect(await exited).toBe(0)
  } finally {
    child.kill('SIGKILL')
    rmSync(data, { recursive: true, force: true })
  }
})
