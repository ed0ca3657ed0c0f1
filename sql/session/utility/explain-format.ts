// Prints EXPLAIN's tree as PostgreSQL lays it out.
//
//   Label  (cost=..)
//     Property: value
//     ->  Label
//           Property: value

import type { ExplainNode, ExplainOptions } from '../../exec/execution.ts'

export interface ExplainFigures {
  readonly planningMs: number
  /** undefined without ANALYZE. */
  readonly executionMs: number | undefined
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
  for (const child of node.children) addText(lines, child, inner)
}

/** One row with the whole document. */
export function explainJson(
  node: ExplainNode,
  options: FormatOptions,
  figures: ExplainFigures,
): readonly string[] {
  const document: Record<string, unknown> = { Plan: jsonNode(node) }
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
  if (node.children.length > 0) result['Plans'] = node.children.map(jsonNode)
  return result
}

/** `Seq Scan on t  (cost=..)` -> `Seq Scan`. */
function nodeType(label: string): string {
  return label.replace(/ {2}\(.*$/, '').replace(/ (on|using) .*$/, '')
}
