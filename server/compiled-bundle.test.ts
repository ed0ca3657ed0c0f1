// Code that was kept is used, and never in the place of what is there now.

import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { loadBundle } from './compiled-bundle.ts'

let folder = ''

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'borealis-bundle-'))
  vi.stubEnv('BOREALIS_CODE_CACHE_WHEN', folder)
})

afterEach(() => {
  vi.unstubAllEnvs()
  rmSync(folder, { recursive: true, force: true })
})

/** Writes a bundle and runs it. */
function run(source: string): unknown {
  const path = join(folder, 'bundle.cjs')
  writeFileSync(path, source)
  return loadBundle(pathToFileURL(path))
}

const codeFiles = (): string[] => readdirSync(folder).filter((name) => name.endsWith('-code'))

async function kept(): Promise<string> {
  await expect.poll(codeFiles).toHaveLength(1)
  return join(folder, codeFiles()[0] ?? '')
}

test('a bundle has what CommonJS has, and its own URL', () => {
  const source = `const { sep } = require('node:path')
    module.exports = { sep, name: __filename, here: bundleUrl.startsWith('file:') && __dirname.length > 1 }`
  const path = join(folder, 'bundle.cjs')
  expect(run(source)).toEqual({ sep: '/', name: path, here: true })
})

test('its code is kept and taken from there', async () => {
  run('exports.n = (() => 1)()')
  const path = await kept()
  const before = readFileSync(path)
  expect(before.length).toBeGreaterThan(100)
  rmSync(path)
  writeFileSync(path, before)
  expect(run('exports.n = (() => 1)()')).toEqual({ n: 1 })
  expect(codeFiles()).toHaveLength(1)
})

test('code of another source of the same length, and damaged code, are not run', async () => {
  run('exports.n = (() => 1)()')
  const path = await kept()
  expect(run('exports.n = (() => 2)()')).toEqual({ n: 2 })
  const bytes = readFileSync(path)
  for (let at = 0; at < bytes.length; at += 7) bytes[at] = 255 - (bytes[at] ?? 0)
  writeFileSync(path, bytes)
  expect(run('exports.n = (() => 3)()')).toEqual({ n: 3 })
  writeFileSync(path, '')
  expect(run('exports.n = (() => 4)()')).toEqual({ n: 4 })
})
