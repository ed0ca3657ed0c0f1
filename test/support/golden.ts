// Golden scripts: readable text files of commands and what they print. UPDATE_GOLDEN=1 rewrites the outputs; the review
// reads the difference.
//
//   # A comment says why the output is right.
//   a command, of one or more lines
//   ---
//   its output
//   ══ (an empty line ends the block; an empty line inside an output is written as a single dot)

import { readFileSync, writeFileSync } from 'node:fs'
import { expect } from 'vitest'

const SEPARATOR = '---'
const EMPTY_LINE = '.'

interface Block {
  readonly comments: readonly string[]
  readonly command: string
  readonly output: string
}

/** Runs every command of the script at `path` in order and compares, or rewrites the script. */
export async function checkGolden(
  path: string,
  run: (command: string) => string | Promise<string>,
): Promise<void> {
  const text = readFileSync(path, 'utf8')
  const blocks: Block[] = []
  for (const block of parseGolden(text))
    blocks.push({ ...block, output: (await run(block.command)).trimEnd() })
  const actual = formatGolden(blocks)
  if (process.env['UPDATE_GOLDEN'] !== undefined) writeFileSync(path, actual)
  else expect(actual).toBe(text)
}

export function parseGolden(text: string): Block[] {
  return text
    .split(/\n{2,}/)
    .map((block) => block.split('\n').filter((line) => line !== ''))
    .filter((lines) => lines.length > 0)
    .map((lines) => {
      const separator = lines.indexOf(SEPARATOR)
      const head = separator < 0 ? lines : lines.slice(0, separator)
      const output = separator < 0 ? [] : lines.slice(separator + 1)
      return {
        comments: head.filter((line) => line.startsWith('#')),
        command: head.filter((line) => !line.startsWith('#')).join('\n'),
        output: output.map((line) => (line === EMPTY_LINE ? '' : line)).join('\n'),
      }
    })
}

function formatGolden(blocks: readonly Block[]): string {
  const texts = blocks.map(({ comments, command, output }) => {
    if (command === '') return comments.join('\n')
    const lines = output === '' ? [] : output.split('\n').map((line) => (line === '' ? EMPTY_LINE : line))
    return [...comments, command, SEPARATOR, ...lines].join('\n')
  })
  return `${texts.join('\n\n')}\n`
}
