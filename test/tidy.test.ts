// Rules about the source that no compiler knows: imports point down, files have a header and an end, nothing is named
// after nothing. It reads every file itself and fails if it saw too few, so that it cannot pass by looking at nothing.
//
//   server ─▶ sql/session ─▶ ddl ─▶ plan ─▶ exec ─▶ deparse ─▶ analyze ─▶ parse ─▶ tree ─▶ catalog ─▶ functions ─▶ types
//          ─▶ storage/engine ─▶ storage/volume │ storage/node ─▶ message ─▶ page ─▶ log ─▶ base

import { readdirSync, readFileSync, statSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'

const ROOT = resolve(dirname(fileURLToPath(import.meta.url)), '..')

/** Layers from the lowest to the highest. Those of one row do not know each other. */
const RANKS: readonly (readonly string[])[] = [
  ['storage/base'],
  ['storage/log'],
  ['storage/page'],
  ['storage/message'],
  ['storage/archive'],
  ['storage/node', 'storage/volume'],
  ['storage/engine'],
  ['sql/types'],
  ['sql/functions'],
  ['sql/catalog'],
  ['sql/tree'],
  ['sql/parse'],
  ['sql/analyze'],
  ['sql/deparse'],
  // The planner builds the operators of exec, which know nothing of plans.
  ['sql/exec'],
  ['sql/plan'],
  ['sql/ddl'],
  ['sql/session'],
  ['server'],
  ['test', 'bench'],
]

const FILE_COUNT_MIN = 120
const IMPORT_COUNT_MIN = 300
const LINE_COUNT_MAX = 500
const TEST_LINE_COUNT_MAX = 800
/** The formatter keeps code to 110; this is for comments and tables. */
const LINE_LENGTH_MAX = 130

/** Names that say nothing about what is inside. */
const EMPTY_NAMES = /(^|\/)(utils?|helpers?|common|manager|misc|shared)(\.test)?\.ts$/
/** Facts of PostgreSQL kept as data; their length is PostgreSQL's. */
const DATA = /(^|\/|-)facts\.ts$/

interface Source {
  readonly path: string
  readonly text: string
  readonly lines: readonly string[]
}

function sourcesBelow(folder: string): Source[] {
  return readdirSync(join(ROOT, folder)).flatMap((name) => {
    const path = `${folder}/${name}`
    if (statSync(join(ROOT, path)).isDirectory()) return sourcesBelow(path)
    if (!path.endsWith('.ts')) return []
    const text = readFileSync(join(ROOT, path), 'utf8')
    return [{ path, text, lines: text.split('\n') }]
  })
}

const SOURCES = ['server', 'sql', 'storage', 'test', 'bench'].flatMap(sourcesBelow)

/** Tests beside the code may look at other layers; nothing may look at them. */
function isTest(path: string): boolean {
  return /\.(test|bench)\.ts$/.test(path) || path.includes('/testing/') || /^(test|bench)\//.test(path)
}

function layerOf(path: string): string | undefined {
  return RANKS.flat().find((layer) => path.startsWith(`${layer}/`))
}

function rankOf(layer: string): number {
  return RANKS.findIndex((row) => row.includes(layer))
}

/** Relative imports of a file, as paths from the root. Reads `from '...'`, `import '...'` and `import('...')`. */
function importsOf(source: Source): string[] {
  const found: string[] = []
  const pattern = /(?:\bfrom\s*|\bimport\s*\(?\s*|\bnew URL\(\s*)['"](\.{1,2}\/[^'"]+)['"]/g
  for (const match of source.text.matchAll(pattern)) {
    found.push(relative(ROOT, resolve(ROOT, dirname(source.path), match[1] ?? '')))
  }
  return found
}

/** Why this import may not be, or undefined. */
function objection(from: string, to: string): string | undefined {
  const source = layerOf(from)
  const target = layerOf(to)
  if (target === undefined)
    return to === 'package.json' ? undefined : `${from} imports ${to}, which is in no layer`
  if (source === undefined) return `${from} is in no layer`
  if (isTest(from)) return undefined
  if (isTest(to)) return `${from} imports the test ${to}`
  if (source === target) return undefined
  if (rankOf(target) > rankOf(source)) return `${from} imports upward: ${to}`
  if (rankOf(target) === rankOf(source)) return `${from} imports sideways: ${to}`
  return undefined
}

test('imports point down', () => {
  const objections: string[] = []
  let importCount = 0
  for (const source of SOURCES) {
    if (source.path === 'test/tidy.test.ts') continue
    for (const target of importsOf(source)) {
      if (target.endsWith('package.json')) continue
      importCount++
      const why = objection(source.path, target)
      if (why !== undefined) objections.push(why)
    }
  }
  expect(objections).toEqual([])
  expect(SOURCES.length).toBeGreaterThan(FILE_COUNT_MIN)
  expect(importCount).toBeGreaterThan(IMPORT_COUNT_MIN)
})

test('the layer check sees what it should', () => {
  const text =
    "import { a } from '../../sql/types/type.ts'\nexport { b } from './b.ts'\nawait import('../volume/volume.ts')\n"
  const source = { path: 'storage/node/x.ts', text, lines: [] }
  expect(importsOf(source)).toEqual(['sql/types/type.ts', 'storage/node/b.ts', 'storage/volume/volume.ts'])
  expect(importsOf(source).map((target) => objection(source.path, target))).toEqual([
    'storage/node/x.ts imports upward: sql/types/type.ts',
    undefined,
    'storage/node/x.ts imports sideways: storage/volume/volume.ts',
  ])
})

/** Where files call each other in a circle because what they work on is recursive, and why. */
const RECURSIONS: readonly RegExp[] = [
  // Queries in expressions in queries.
  /^sql\/analyze\//,
  /^sql\/deparse\//,
  // A change of a row changes the rows that refer to it.
  /^sql\/exec\/modify\/(table-writer|foreign-key-queue|foreign-key-action)\.ts$/,
]

/** Imports that are there when the program runs: a circle of types alone is none. */
function valueImportsOf(source: Source): string[] {
  const values = source.text
    .replace(/^(import|export) type [^'"]*?from\s*['"][^'"]+['"]/gm, '')
    .replace(/^import \{(\s*type [^,}]+,?)+\s*\} from\s*['"][^'"]+['"]/gm, '')
  return importsOf({ ...source, text: values })
}

/** What is left when files that import nothing of the rest, or are imported by none of it, are taken away. */
function circlesAmong(imports: ReadonlyMap<string, readonly string[]>): string[] {
  const left = new Map(imports)
  for (;;) {
    const imported = new Set([...left.values()].flat())
    const ends = [...left].filter(
      ([path, targets]) => !imported.has(path) || !targets.some((target) => left.has(target)),
    )
    if (ends.length === 0) return [...left.keys()]
    for (const [path] of ends) left.delete(path)
  }
}

test('imports make no circles, but where what they work on is recursive', () => {
  const own = SOURCES.filter(({ path }) => !isTest(path))
  const imports = new Map(own.map((source) => [source.path, valueImportsOf(source)]))
  const circles = circlesAmong(imports)
  expect(circles.filter((path) => !RECURSIONS.some((allowed) => allowed.test(path)))).toEqual([])
  for (const allowed of RECURSIONS) expect(circles.some((path) => allowed.test(path))).toBe(true)
})

test('every file opens with a comment that says what it is', () => {
  const bare = SOURCES.filter(({ path, lines }) => {
    if (path.endsWith('.test.ts')) return false
    const first = lines[lines[0]?.startsWith('#!') === true ? 1 : 0] ?? ''
    return !/^(\/\/|\/\*)/.test(first)
  })
  expect(bare.map(({ path }) => path)).toEqual([])
})

test('files and lines end', () => {
  const long: string[] = []
  for (const { path, lines } of SOURCES) {
    if (DATA.test(path)) continue
    if (lines.length - 1 > (isTest(path) ? TEST_LINE_COUNT_MAX : LINE_COUNT_MAX))
      long.push(`${path}: ${lines.length - 1} lines`)
    if (isTest(path)) continue
    for (const [index, line] of lines.entries()) {
      if (line.length > LINE_LENGTH_MAX && !/['"`]/.test(line))
        long.push(`${path}:${index + 1}: ${line.length} characters`)
    }
  }
  expect(long).toEqual([])
})

test('files are named by a noun, in kebab case', () => {
  const bad = SOURCES.filter(
    ({ path }) => EMPTY_NAMES.test(path) || !/^[a-z0-9/-]+(\.test|\.bench)?\.ts$/.test(path),
  )
  expect(bad.map(({ path }) => path)).toEqual([])
})

// The server runs as a bundle, where functions of the same name are renamed: addInt8 became addInt82 there.
test('generated source does not call functions by what they call themselves', () => {
  const bad = SOURCES.filter(
    ({ path, lines }) => !isTest(path) && lines.some((line) => /\$\{(call|fn)\.name\}\(/.test(line)),
  )
  expect(bad.map(({ path }) => path)).toEqual([])
})

test('the lock file names no download addresses', () => {
  const lock = readFileSync(join(ROOT, 'package-lock.json'), 'utf8')
  expect(lock.includes('"resolved"')).toBe(false)
})
