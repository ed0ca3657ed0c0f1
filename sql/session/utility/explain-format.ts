// Prints EXPLAIN's tree as PostgreSQL lays it out.
//
//   Label  (cost=..)
//     Property: value
//     ->  Label
//           Property: value

import type { BufferUse, ExplainNode, ExplainOptions } from '../../exec/execution.ts'

export interface ExplainFigures {
  readonly planningMs: number
  /** undefined without ANALYZE. */
  readonly executionMs: number | undefined
  /** Of planning; undefined without BUFFERS. */
  readonly planningBuffers: BufferUse | undefined
}

type FormatOptions = ExplainOptions & { readonly summary: boolean }

/** One line a row. */
export function explainText(
  node: ExplainNode,
  options: FormatOptions,
  figures: ExplainFigures,
): readonly string[] {
  const lines: string[] = []
  addText(lines, node, 0)
  const planning = bufferText(figures.planningBuffers)
  if (planning !== '') lines.push('Planning:', `  ${planning}`)
  if (options.summary) {
    lines.push(`Planning Time: ${figures.planningMs.toFixed(3)} ms`)
    if (figures.executionMs !== undefined) lines.push(`Execution Time: ${figures.executionMs.toFixed(3)} ms`)
  }
  return lines
}

/** `indent` counts two spaces each, as in PostgreSQL's source of truth: the printed form. */
function addText(lines: string[], node: ExplainNode, indent: number): void {
  let inner = indent
  if (indent > 0) {
    lines.push(`${'  '.repeat(indent)}->  ${node.label}`)
    inner += 2
  } else lines.push(node.label)
  inner += 1
  for (const [name, value] of node.properties) {
    const shown = Array.isArray(value) ? value.join(', ') : String(value)
    lines.push(`${'  '.repeat(inner)}${name}: ${shown}`)
  }
  const buffers = bufferText(node.buffers)
  if (buffers !== '') lines.push(`${'  '.repeat(inner)}${buffers}`)
  for (const child of node.children) addText(lines, child, inner)
}

/** PostgreSQL's words: shared buffers are the pool, what is read comes from storage. Empty when nothing was. */
function bufferText(use: BufferUse | undefined): string {
  if (use === undefined || use.hit + use.read === 0) return ''
  return `Buffers: shared${use.hit > 0 ? ` hit=${use.hit}` : ''}${use.read > 0 ? ` read=${use.read}` : ''}`
}

/** Kinds of blocks that there are none of here. */
const NO_BLOCKS: Readonly<Record<string, number>> = Object.fromEntries(
  [
    'Shared Dirtied',
    'Shared Written',
    'Local Hit',
    'Local Read',
    'Local Dirtied',
    'Local Written',
    'Temp Read',
    'Temp Written',
  ].map((name) => [`${name} Blocks`, 0]),
)

function bufferFields({ hit, read }: BufferUse): Record<string, number> {
  return { 'Shared Hit Blocks': hit, 'Shared Read Blocks': read, ...NO_BLOCKS }
}

/** One row with the whole document. */
export function explainJson(
  node: ExplainNode,
  options: FormatOptions,
  figures: ExplainFigures,
): readonly string[] {
  const document: Record<string, unknown> = { Plan: jsonNode(node) }
  if (figures.planningBuffers !== undefined) document['Planning'] = bufferFields(figures.planningBuffers)
  if (options.summary) {
    document['Planning Time'] = Number(figures.planningMs.toFixed(3))
    document['Triggers'] = []
    if (figures.executionMs !== undefined) document['Execution Time'] = Number(figures.executionMs.toFixed(3))
  }
  return [JSON.stringify([document], null, 2)]
}

function jsonNode(node: ExplainNode): Record<string, unknown> {
  const result: Record<string, unknown> = { 'Node Type': nodeType(node.label) }
  for (const [name, value] of node.properties) result[name] = value
  if (node.buffers !== undefined) Object.assign(result, bufferFields(node.buffers))
  if (node.children.length > 0) result['Plans'] = node.children.map(jsonNode)
  return result
}

/** `Seq Scan on t  (cost=..)` -> `Seq Scan`. */
function nodeType(label: string): string {
  return label.replace(/ {2}\(.*$/, '').replace(/ (on|using) .*$/, '')
}
