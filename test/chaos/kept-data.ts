// Data directories that take long to fill: filled once, kept where the caller says, and copied for each use.
//
//   DIR/NAME   as `load` left it, every process ended properly ──copy──▶ a directory that the use may spoil

import { cpSync, existsSync, mkdirSync, mkdtempSync, renameSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'

export interface Kept {
  /** Where it is kept; undefined: nowhere, it is filled anew each time. */
  readonly under: string | undefined
  readonly name: string
  /** Fills a directory, and has let go of it when it resolves. */
  readonly load: (directory: string) => Promise<void>
}

/** Runs `use` on a copy, which is removed afterwards. */
export async function withKeptData(kept: Kept, use: (directory: string) => Promise<void>): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), 'borealis-measure-'))
  try {
    if (kept.under === undefined) await kept.load(directory)
    else cpSync(await filled(kept, resolve(kept.under)), directory, { recursive: true })
    await use(directory)
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
}

/** Named only once it is whole. */
async function filled({ name, load }: Kept, under: string): Promise<string> {
  const path = join(under, name)
  if (existsSync(path)) return path
  rmSync(`${path}.new`, { recursive: true, force: true })
  mkdirSync(`${path}.new`, { recursive: true })
  await load(`${path}.new`)
  renameSync(`${path}.new`, path)
  return path
}
