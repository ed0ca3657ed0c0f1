import { expect, test } from 'vitest'

import type { ExplainNode } from '../../exec/execution.ts'
import { formatExplain, type FormatOptions } from './explain-format.ts'

const OPTIONS = { analyze: false, verbose: false, costs: true, buffers: false, timing: false, summary: false }
const FIGURES = { planningMs: 0.25, executionMs: undefined, planningBuffers: undefined }

/** A sort over a join of a table with itself, and a subquery. */
const TREE: ExplainNode = {
  label: 'Sort',
  estimate: { startup: 3, total: 4.126, rows: 2.6, width: 8 },
  properties: [['Sort Key', ['a.n DESC', '(count(*))']]],
  children: [
    {
      label: 'Seq Scan',
      role: 'InitPlan',
      name: 'InitPlan 1',
      target: { kind: 'relation', name: 'u', alias: 'u' },
      properties: [],
      children: [],
    },
    {
      label: 'Hash Left Join',
      role: 'Outer',
      properties: [['Hash Cond', '(a.n = b.n)']],
      children: [
        {
          label: 'Index Scan Backward',
          role: 'Outer',
          target: { kind: 'relation', name: 'My table', alias: 'a', index: 't_pkey' },
          properties: [['Filter', "(a.x < '<&>'::text)"]],
          children: [],
        },
        { label: 'HashAggregate', role: 'Inner', properties: [], children: [] },
      ],
    },
  ],
}

function lines(format: FormatOptions['format'], options: Partial<FormatOptions> = {}): string[] {
  return formatExplain(TREE, { ...OPTIONS, format, ...options }, FIGURES).flatMap((row) => row.split('\n'))
}

test('text names subplans and quotes names', () => {
  expect(lines('text', { summary: true })).toEqual([
    'Sort  (cost=3.00..4.13 rows=3 width=8)',
    '  Sort Key: a.n DESC, (count(*))',
    '  InitPlan 1',
    '    ->  Seq Scan on u',
    '  ->  Hash Left Join',
    '        Hash Cond: (a.n = b.n)',
    '        ->  Index Scan Backward using t_pkey on "My table" a',
    "              Filter: (a.x < '<&>'::text)",
    '        ->  HashAggregate',
    'Planning Time: 0.250 ms',
  ])
})

test("JSON has PostgreSQL's fields in its order", () => {
  const document = lines('json').join('\n')
  expect(document.split('\n').slice(0, 14)).toEqual([
    '[',
    '  {',
    '    "Plan": {',
    '      "Node Type": "Sort",',
    '      "Parallel Aware": false,',
    '      "Async Capable": false,',
    '      "Startup Cost": 3.00,',
    '      "Total Cost": 4.13,',
    '      "Plan Rows": 3,',
    '      "Plan Width": 8,',
    '      "Sort Key": ["a.n DESC", "(count(*))"],',
    '      "Plans": [',
    '        {',
    '          "Node Type": "Seq Scan",',
  ])
  const [{ Plan: plan }] = JSON.parse(document) as [{ Plan: { Plans: Record<string, unknown>[] } }]
  const [subplan, join] = plan.Plans
  expect(subplan).toMatchObject({ 'Parent Relationship': 'InitPlan', 'Subplan Name': 'InitPlan 1' })
  expect(join).toMatchObject({ 'Node Type': 'Hash Join', 'Join Type': 'Left' })
  expect(join?.['Plans']).toMatchObject([
    { 'Scan Direction': 'Backward', 'Index Name': 't_pkey', 'Relation Name': 'My table', Alias: 'a' },
    { 'Node Type': 'Aggregate', Strategy: 'Hashed', 'Parent Relationship': 'Inner' },
  ])
})

test('YAML and XML say the same', () => {
  expect(lines('yaml').slice(0, 13)).toEqual([
    '- Plan: ',
    '    Node Type: "Sort"',
    '    Parallel Aware: false',
    '    Async Capable: false',
    '    Startup Cost: 3.00',
    '    Total Cost: 4.13',
    '    Plan Rows: 3',
    '    Plan Width: 8',
    '    Sort Key: ',
    '      - "a.n DESC"',
    '      - "(count(*))"',
    '    Plans: ',
    '      - Node Type: "Seq Scan"',
  ])
  const xml = lines('xml')
  expect(xml[0]).toBe('<explain xmlns="http://www.postgresql.org/2009/explain">')
  expect(xml).toContain('        <Item>a.n DESC</Item>')
  expect(xml).toContain("              <Filter>(a.x &lt; '&lt;&amp;&gt;'::text)</Filter>")
  expect(xml.at(-1)).toBe('</explain>')
})
