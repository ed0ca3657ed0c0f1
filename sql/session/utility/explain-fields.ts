// What EXPLAIN's formats for programs (JSON, YAML, XML) say of a plan: PostgreSQL's names, in its order, whose meaning a
// client may rely on (documentation, EXPLAIN; tools that draw plans read these).

import type { BufferUse, ExplainNode, ExplainTarget } from '../../exec/execution.ts'

/** Text that is written as a number, with the digits that PostgreSQL gives it. */
export class Digits {
  readonly text: string

  constructor(value: number, digits: number) {
    this.text = value.toFixed(digits)
  }
}

export type FieldValue = string | number | boolean | Digits | readonly FieldValue[] | Fields
/** In the order they are written. */
export type Fields = ReadonlyMap<string, FieldValue>
type Entries = readonly (readonly [name: string, value: FieldValue])[]

/** Kinds of blocks that there are none of here. */
const NO_BLOCKS = [
  'Shared Dirtied',
  'Shared Written',
  'Local Hit',
  'Local Read',
  'Local Dirtied',
  'Local Written',
  'Temp Read',
  'Temp Written',
].map((name) => [`${name} Blocks`, 0] as const)

export function bufferFields({ hit, read }: BufferUse): Fields {
  return new Map([['Shared Hit Blocks', hit], ['Shared Read Blocks', read], ...NO_BLOCKS])
}

const TARGET_NAMES: Readonly<Record<ExplainTarget['kind'], string | undefined>> = {
  relation: 'Relation Name',
  cte: 'CTE Name',
  function: 'Function Name',
  rows: undefined,
}

/** A node and what is below it. `timing`: with the times of the run. */
export function planFields(node: ExplainNode, timing: boolean): Fields {
  const { role, name, target, estimate, actual, buffers, children, properties } = node
  const kind = kindFields(node.label)
  const fields: Entries[number][] = [...kind.first]
  if (role !== undefined) fields.push(['Parent Relationship', role])
  if (name !== undefined) fields.push(['Subplan Name', name])
  fields.push(['Parallel Aware', false], ['Async Capable', false], ...kind.second)
  if (target !== undefined) {
    if (target.index !== undefined) fields.push(['Index Name', target.index])
    const key = TARGET_NAMES[target.kind]
    if (key !== undefined) fields.push([key, target.name])
    fields.push(['Alias', target.alias])
  }
  if (estimate !== undefined) {
    fields.push(
      ['Startup Cost', new Digits(estimate.startup, 2)],
      ['Total Cost', new Digits(estimate.total, 2)],
      ['Plan Rows', rowCount(estimate.rows)],
      ['Plan Width', Math.round(estimate.width)],
    )
  }
  if (actual !== undefined) {
    if (timing) {
      fields.push(
        ['Actual Startup Time', new Digits(actual.startMs, 3)],
        ['Actual Total Time', new Digits(actual.totalMs, 3)],
      )
    }
    fields.push(['Actual Rows', actual.rows], ['Actual Loops', actual.loops])
  }
  fields.push(...properties)
  if (estimate !== undefined && isHashed(node.label)) fields.push(['Planned Partitions', 0])
  fields.push(...(buffers === undefined ? [] : bufferFields(buffers)))
  if (children.length > 0) fields.push(['Plans', children.map((child) => planFields(child, timing))])
  return new Map(fields)
}

/** Estimated rows as they are shown: whole, and at least one. */
export function rowCount(rows: number): number {
  return Math.max(1, Math.round(rows))
}

/** What the text form's words stand for: fields before and after those of the place in the tree. */
function kindFields(label: string): { readonly first: Entries; readonly second: Entries } {
  const join = /^(Nested Loop|Hash)(?: (Left|Right|Full|Semi|Anti))?( Join)?$/.exec(label)
  if (join !== null && (join[1] === 'Nested Loop' || join[3] !== undefined)) {
    const type = join[1] === 'Hash' ? 'Hash Join' : 'Nested Loop'
    return { first: [['Node Type', type]], second: [['Join Type', join[2] ?? 'Inner']] }
  }
  const strategy = AGGREGATES.get(label)
  if (strategy !== undefined) {
    const first: Entries = [
      ['Node Type', 'Aggregate'],
      ['Strategy', strategy],
      ['Partial Mode', 'Simple'],
    ]
    return { first, second: [] }
  }
  if (label === 'Insert' || label === 'Update' || label === 'Delete')
    return {
      first: [
        ['Node Type', 'ModifyTable'],
        ['Operation', label],
      ],
      second: [],
    }
  if (label.startsWith('HashSetOp '))
    return {
      first: [
        ['Node Type', 'SetOp'],
        ['Strategy', 'Hashed'],
      ],
      second: [['Command', label.slice('HashSetOp '.length)]],
    }
  if (label.startsWith('Index Scan')) {
    const direction = label.endsWith(' Backward') ? 'Backward' : 'Forward'
    return { first: [['Node Type', 'Index Scan']], second: [['Scan Direction', direction]] }
  }
  return { first: [['Node Type', label]], second: [] }
}

const isHashed = (label: string): boolean => label === 'HashAggregate' || label === 'MixedAggregate'

const AGGREGATES: ReadonlyMap<string, string> = new Map([
  ['Aggregate', 'Plain'],
  ['HashAggregate', 'Hashed'],
  ['MixedAggregate', 'Mixed'],
])
