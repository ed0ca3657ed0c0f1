// Prints EXPLAIN's tree as PostgreSQL lays it out, as text or as a document.
//
//   Label  (cost=..)             [                          - Plan:              <explain>
//     Property: value              {                            Node Type: ..      <Query>
//     ->  Label                      "Plan": {                  Plans:               <Plan>
//           Property: value            "Node Type": ..            - Node Type          <Node-Type>..

import type { BufferUse, Estimate, ExplainNode, ExplainOptions } from '../../exec/execution.ts'
import { nodeTitle } from '../../plan/explain-text.ts'
import { bufferFields, Digits, type Fields, type FieldValue, planFields, rowCount } from './explain-fields.ts'

export interface StatementFigures {
  readonly planningMs: number
  /** undefined without ANALYZE. */
  readonly executionMs: number | undefined
  /** Of planning; undefined without BUFFERS. */
  readonly planningBuffers: BufferUse | undefined
}

export type FormatOptions = ExplainOptions & {
  readonly format: 'text' | 'json' | 'xml' | 'yaml'
  readonly summary: boolean
}

/** One line a row in the text form, else one row with the whole document. */
export function formatExplain(
  node: ExplainNode,
  options: FormatOptions,
  figures: StatementFigures,
): readonly string[] {
  switch (options.format) {
    case 'text':
      return explainText(node, options, figures)
    case 'json':
      return [json([document(node, options, figures)], 0)]
    case 'yaml':
      return [yamlItem(document(node, options, figures), 0)]
    case 'xml': {
      const query = xml('Query', document(node, options, figures), 1)
      return [`<explain xmlns="http://www.postgresql.org/2009/explain">\n${query}\n</explain>`]
    }
  }
}

// ---------------------------------------------------------------------------------------------- text

function explainText(
  node: ExplainNode,
  options: FormatOptions,
  figures: StatementFigures,
): readonly string[] {
  const lines: string[] = []
  addText(lines, node, options, 0)
  const planning = bufferText(figures.planningBuffers)
  if (planning !== '') lines.push('Planning:', `  ${planning}`)
  if (options.summary) {
    lines.push(`Planning Time: ${figures.planningMs.toFixed(3)} ms`)
    if (figures.executionMs !== undefined) lines.push(`Execution Time: ${figures.executionMs.toFixed(3)} ms`)
  }
  return lines
}

/** `indent` counts two spaces each, as in PostgreSQL's source of truth: the printed form. */
function addText(lines: string[], node: ExplainNode, options: FormatOptions, indent: number): void {
  let inner = indent
  if (node.name !== undefined) lines.push(`${'  '.repeat(inner++)}${node.name}`)
  const title = `${nodeTitle(node)}${figuresText(node, options)}`
  if (inner > 0) {
    lines.push(`${'  '.repeat(inner)}->  ${title}`)
    inner += 2
  } else lines.push(title)
  inner += 1
  for (const [name, value] of node.properties) {
    const shown = Array.isArray(value) ? value.join(', ') : String(value)
    lines.push(`${'  '.repeat(inner)}${name}: ${shown}`)
  }
  const buffers = bufferText(node.buffers)
  if (buffers !== '') lines.push(`${'  '.repeat(inner)}${buffers}`)
  for (const child of node.children) addText(lines, child, options, inner)
}

function figuresText({ estimate, actual }: ExplainNode, options: FormatOptions): string {
  const parts: string[] = []
  if (estimate !== undefined) parts.push(`(${costText(estimate)})`)
  if (actual !== undefined) {
    const { startMs, totalMs, rows, loops } = actual
    const time = options.timing ? `time=${startMs.toFixed(3)}..${totalMs.toFixed(3)} ` : ''
    parts.push(loops === 0 ? '(never executed)' : `(actual ${time}rows=${rows} loops=${loops})`)
  }
  if (parts.length === 0) return ''
  return `${estimate === undefined ? ' ' : '  '}${parts.join(' ')}`
}

function costText({ startup, total, rows, width }: Estimate): string {
  const cost = `${startup.toFixed(2)}..${total.toFixed(2)}`
  return `cost=${cost} rows=${rowCount(rows)} width=${Math.round(width)}`
}

/** PostgreSQL's words: shared buffers are the pool, what is read comes from storage. Empty when nothing was. */
function bufferText(use: BufferUse | undefined): string {
  if (use === undefined || use.hit + use.read === 0) return ''
  return `Buffers: shared${use.hit > 0 ? ` hit=${use.hit}` : ''}${use.read > 0 ? ` read=${use.read}` : ''}`
}

// ---------------------------------------------------------------------------------------------- documents

function document(node: ExplainNode, options: FormatOptions, figures: StatementFigures): Fields {
  const fields = new Map<string, FieldValue>([['Plan', planFields(node, options.timing)]])
  if (figures.planningBuffers !== undefined) fields.set('Planning', bufferFields(figures.planningBuffers))
  if (options.summary) fields.set('Planning Time', new Digits(figures.planningMs, 3))
  if (figures.executionMs !== undefined) {
    fields.set('Triggers', [])
    if (options.summary) fields.set('Execution Time', new Digits(figures.executionMs, 3))
  }
  return fields
}

/** A list of plain values stays on one line; groups and lists of groups have a line for each part. */
function json(value: FieldValue, indent: number): string {
  if (value instanceof Digits) return value.text
  if (typeof value !== 'object') return JSON.stringify(value)
  const pad = '  '.repeat(indent)
  if (value instanceof Map) {
    const lines = [...value].map(([name, one]) => `${pad}  ${JSON.stringify(name)}: ${json(one, indent + 1)}`)
    return `{\n${lines.join(',\n')}\n${pad}}`
  }
  const items = value as readonly FieldValue[]
  if (typeof items[0] === 'string') return `[${items.map((one) => json(one, 0)).join(', ')}]`
  const lines = items.map((one) => `${pad}  ${json(one, indent + 1)}`)
  return `[\n${lines.join(',\n')}${lines.length > 0 ? '\n' : ''}${pad}]`
}

/** One item of a list: its first field stands behind the dash. */
function yamlItem(fields: Fields, indent: number): string {
  const pad = '  '.repeat(indent)
  return `${pad}- ${yamlFields(fields, indent + 1).trimStart()}`
}

function yamlFields(fields: Fields, indent: number): string {
  const pad = '  '.repeat(indent)
  return [...fields].map(([name, value]) => `${pad}${name}: ${yaml(value, indent)}`).join('\n')
}

function yaml(value: FieldValue, indent: number): string {
  if (value instanceof Digits) return value.text
  if (typeof value === 'string') return JSON.stringify(value)
  if (typeof value !== 'object') return String(value)
  if (value instanceof Map) return `\n${yamlFields(value, indent + 1)}`
  const lines = (value as readonly FieldValue[]).map((one) =>
    one instanceof Map ? yamlItem(one, indent + 1) : `${'  '.repeat(indent + 1)}- ${yaml(one, 0)}`,
  )
  return lines.length === 0 ? '' : `\n${lines.join('\n')}`
}

const ESCAPES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '\r': '&#x0d;' }
/** A list's elements have the name of one of what it lists. */
const ITEM_NAMES: Readonly<Record<string, string>> = { Plans: 'Plan', Triggers: 'Trigger' }

function xml(name: string, value: FieldValue, indent: number): string {
  const pad = '  '.repeat(indent)
  const tag = name.replaceAll(/[^A-Za-z0-9_.-]/g, '-')
  if (value instanceof Digits) return `${pad}<${tag}>${value.text}</${tag}>`
  if (typeof value !== 'object') {
    const text = String(value).replaceAll(/[&<>\r]/g, (character) => ESCAPES[character] ?? character)
    return `${pad}<${tag}>${text}</${tag}>`
  }
  const inner =
    value instanceof Map
      ? [...value].map(([one, part]) => xml(one, part, indent + 1))
      : (value as readonly FieldValue[]).map((part) => xml(ITEM_NAMES[name] ?? 'Item', part, indent + 1))
  return [`${pad}<${tag}>`, ...inner, `${pad}</${tag}>`].join('\n')
}
