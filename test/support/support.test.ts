// The tests' own tools: cutting scripts, golden scripts, waiting for PostgreSQL's programs.

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { checkGolden, parseGolden } from './golden.ts'
import { parseScript } from './script.ts'
import { Seeded } from './seeded.ts'

test('semicolons inside quotes, dollar quotes and comments end nothing', () => {
  const script = `-- first; comment\nselect ';', "a;b";\nselect $x$;$x$ /* ; */;\n\n  select 3;`
  expect(parseScript(script).map(({ text, line }) => [line, text])).toEqual([
    [2, `select ';', "a;b"`],
    [3, 'select $x$;$x$ /* ; */'],
    [5, 'select 3'],
  ])
})

test('COPY takes its data along', () => {
  const [copy, after] = parseScript('copy t from stdin;\n1\ta;b\n\\.\nselect 1;')
  expect(copy).toEqual({ text: 'copy t from stdin', line: 1, copyData: '1\ta;b\n' })
  expect(after?.text).toBe('select 1')
  expect(parseScript('copy nowhere from stdin;\nselect 1;').length).toBe(2)
})

test('a golden script is compared, and rewritten only when asked', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'borealis-golden-'))
  const path = join(directory, 'x')
  const text = '# why\nupper a\n---\nA\n\nlines\n---\n1\n.\n2\n'
  writeFileSync(path, text)
  const run = (command: string): string =>
    command === 'lines' ? '1\n\n2' : command.slice('upper '.length).toUpperCase()
  await checkGolden(path, run)
  expect(readFileSync(path, 'utf8')).toBe(text)
  await expect(checkGolden(path, () => 'other')).rejects.toThrow()
  rmSync(directory, { recursive: true })
})

test('golden blocks', () => {
  expect(parseGolden('# c\na\nb\n---\nout\n')).toEqual([
    { comments: ['# c'], command: 'a\nb', output: 'out' },
  ])
})

test('the same seed gives the same chance', () => {
  const draw = (seed: number): number[] => {
    const chance = new Seeded(seed)
    return [chance.below(100), chance.below(100), chance.below(100)]
  }
  expect(draw(7)).toEqual(draw(7))
  expect(draw(7)).not.toEqual(draw(8))
})
