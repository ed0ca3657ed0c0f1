// The table and the JSON of a bench run.

import { execFileSync } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { cpus, totalmem } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** One case: the runs of each server, PostgreSQL first. */
export interface Measured {
  readonly name: string
  readonly runs: readonly (readonly number[])[]
  readonly lowerIsBetter: boolean
  readonly failed: readonly number[]
}

export interface BenchReport {
  readonly measured: readonly Measured[]
  readonly options: Readonly<Record<string, unknown>>
  readonly names: readonly string[]
  readonly idleBytes: readonly number[]
  readonly loadedBytes: readonly number[]
}

const OUT = join(dirname(fileURLToPath(import.meta.url)), 'out')
const MEGABYTE = 1024 * 1024

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = sorted.length >> 1
  const upper = sorted[middle] ?? Number.NaN
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? Number.NaN) + upper) / 2
}

/** How much better the second server is than the first: 2 is twice as good, whatever is measured. */
export function ratio(measured: Measured): number {
  const [base = Number.NaN, ours = Number.NaN] = measured.runs.map(median)
  return measured.lowerIsBetter ? base / ours : ours / base
}

export function writeReport(report: BenchReport): void {
  const json = {
    ...report,
    time: new Date().toISOString(),
    commit: commit(),
    machine: {
      cpu: cpus()[0]?.model,
      cpuCount: cpus().length,
      memoryBytes: totalmem(),
      node: process.version,
    },
    measured: report.measured.map((measured) => ({
      ...measured,
      medians: measured.runs.map(median),
      ratio: ratio(measured),
    })),
  }
  mkdirSync(OUT, { recursive: true })
  const path = join(OUT, `bench-${json.time.replaceAll(/[:.]/g, '-')}.json`)
  writeFileSync(path, `${JSON.stringify(json, undefined, 2)}\n`)
  process.stdout.write(`${formatTable(report)}\n\nwritten to ${path}\n`)
}

/** A Markdown table. */
export function formatTable(report: BenchReport): string {
  const rows = report.measured.map((measured) => {
    const digits = measured.lowerIsBetter ? 2 : 0
    const figures = measured.runs.map((runs) => median(runs).toFixed(digits))
    const failed = measured.failed.some((count) => count > 0)
      ? ` (failed: ${measured.failed.join(', ')})`
      : ''
    return [measured.name, ...figures, `${ratio(measured).toFixed(2)}${failed}`]
  })
  const memory = (name: string, bytes: readonly number[]): string[] => [
    name,
    ...bytes.map((count) => (count / MEGABYTE).toFixed(0)),
    '',
  ]
  const all = [
    ...rows,
    memory('memory idle (MB)', report.idleBytes),
    memory('memory after (MB)', report.loadedBytes),
  ]
  const header = ['case', ...report.names, 'ratio']
  const widths = header.map((title, column) =>
    Math.max(title.length, ...all.map((row) => (row[column] ?? '').length)),
  )
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell, i) => (i === 0 ? cell.padEnd(widths[i] ?? 0) : cell.padStart(widths[i] ?? 0))).join(' | ')} |`
  const rule = `|${widths.map((width, i) => (i === 0 ? '-'.repeat(width + 2) : `${'-'.repeat(width + 1)}:`)).join('|')}|`
  return [line(header), rule, ...all.map(line)].join('\n')
}

function commit(): string {
  try {
    return execFileSync('git', ['rev-parse', '--short', 'HEAD'], {
      cwd: dirname(OUT),
      encoding: 'utf8',
    }).trim()
  } catch {
    return 'unknown'
  }
}
