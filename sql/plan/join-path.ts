// Paths that join two others. Which one is cheapest is decided from estimates; the chosen one is then built.
//
//   hash join           equalities between the sides; the right side is read into memory
//   parameterised loop  the right side is run for each left row with the row's values in its conditions (an index lookup)
//   loop                the right side is materialised and replayed

import { must } from '../../storage/base/assert.ts'
import type { Estimate } from '../exec/operator.ts'
import { HashJoinOperator, type HashJoinPlan, type HashKeyOf } from '../exec/operator/hash-join.ts'
import {
  NestedLoopOperator,
  type NestedLoopPlan,
  type PairMap,
  type PairTest,
} from '../exec/operator/nested-loop.ts'
import { MaterializeOperator } from '../exec/operator/pipeline.ts'
import { freeRelations } from '../exec/expression/walk.ts'
import type { Runtime } from '../exec/runtime.ts'
import type { Expr, RelationId } from '../tree/expr.ts'
import type { Row } from '../types/value.ts'
import { columnOutputs } from './expr-facts.ts'
import { compileHashKey } from './hash-key.ts'
import { Layout, type OuterScope } from './layout.ts'
import { type Output, type Path, type Planned, NO_ORDER } from './path.ts'
import { makeNode } from './plan-node.ts'
import { joinConditions } from './explain-text.ts'
import type { Planner } from './planner.ts'

export type JoinKind = 'inner' | 'left' | 'right' | 'full' | 'semi' | 'anti'

/** left = right, hashable. */
export interface Equality {
  readonly left: Expr
  readonly right: Expr
}

export interface JoinParts {
  readonly kind: JoinKind
  readonly left: Path
  readonly right: Path
  readonly equalities: readonly Equality[]
  /** Conditions beyond the equalities, over both sides. */
  readonly residual: readonly Expr[]
  /** The right path's conditions refer to the left side. */
  readonly isParameterised: boolean
  readonly rows: number
}

const LABELS: Readonly<Record<JoinKind, string>> = {
  inner: '',
  left: ' Left',
  right: ' Right',
  full: ' Full',
  semi: ' Semi',
  anti: ' Anti',
}

export class JoinPath implements Path {
  readonly relations: ReadonlySet<RelationId>
  readonly estimate: Estimate
  readonly order: Path['order']
  readonly constants: Path['constants']
  readonly parts: JoinParts
  readonly #planner: Planner

  constructor(planner: Planner, parts: JoinParts) {
    this.#planner = planner
    this.parts = parts
    const { left, right, kind } = parts
    const showsRight = kind !== 'semi' && kind !== 'anti'
    this.relations = showsRight ? new Set([...left.relations, ...right.relations]) : left.relations
    this.estimate = estimateJoin(parts)
    const keepsOrder = kind !== 'right' && kind !== 'full'
    this.order = keepsOrder ? left.order : NO_ORDER
    this.constants = keepsOrder ? left.constants : new Set()
  }

  build(outputs: readonly Output[], outer: OuterScope | undefined): Planned {
    const { equalities, isParameterised } = this.parts
    return equalities.length > 0 && !isParameterised
      ? this.#buildHash(outputs, outer)
      : this.#buildLoop(outputs, outer)
  }

  #sideOutputs(exprs: readonly Expr[], side: Path): Output[] {
    return columnOutputs(exprs, (output) => side.relations.has(output.relation))
  }

  #buildHash(outputs: readonly Output[], outer: OuterScope | undefined): Planned {
    const planner = this.#planner
    const { kind, left, right, equalities, residual } = this.parts
    const wanted = [...outputs.map((output) => output.expr), ...residual]
    const l = left.build(this.#sideOutputs([...wanted, ...equalities.map((one) => one.left)], left), outer)
    const r = right.build(this.#sideOutputs([...wanted, ...equalities.map((one) => one.right)], right), outer)
    const leftKey: HashKeyOf = compileHashKey(
      planner,
      equalities.map((one) => one.left),
      l.layout,
      outer,
    )
    const rightKey: HashKeyOf = compileHashKey(
      planner,
      equalities.map((one) => one.right),
      r.layout,
      outer,
    )
    const { map, layout } = this.#map(outputs, l.layout, r.layout, outer)
    const plan: HashJoinPlan = {
      kind,
      leftKey,
      rightKey,
      test: this.#test(residual, l.layout, r.layout, outer),
      map,
      leftNulls: l.layout.slots.map(() => null),
      rightNulls: r.layout.slots.map(() => null),
    }
    const hash = makeNode({
      label: 'Hash',
      estimate: r.node.estimate,
      children: [r.node],
      open: (_, [child]) => must(child),
    })
    const node = makeNode({
      label: `Hash${LABELS[kind]} Join`,
      estimate: this.estimate,
      children: [l.node, hash],
      properties: () => this.#properties('Hash Cond'),
      open: (rt, [a, b]) => new HashJoinOperator(rt, must(a), must(b), plan),
    })
    return { node, layout }
  }

  #buildLoop(outputs: readonly Output[], outer: OuterScope | undefined): Planned {
    const planner = this.#planner
    const { kind, left, right, residual, isParameterised } = this.parts
    if (kind === 'right' || kind === 'full') throw new Error('a loop cannot find unmatched right rows')
    const conditions = isParameterised ? [] : this.#allConditions()
    const wanted = [
      ...outputs.map((output) => output.expr),
      ...conditions,
      ...(isParameterised ? residual : []),
    ]
    const inner = isParameterised
      ? planner.outerScope((relation) => left.relations.has(relation), outer)
      : outer
    const r = right.build(this.#sideOutputs(wanted, right), inner)
    const handed = isParameterised ? must(inner).uses : []
    const l = left.build(this.#sideOutputs([...wanted, ...handed.map((use) => use.expr)], left), outer)
    const { map, layout } = this.#map(outputs, l.layout, r.layout, outer)
    const plan: NestedLoopPlan = {
      kind,
      handDown: handed.length === 0 ? undefined : this.#handDown(handed, l.layout, outer),
      test: this.#test(isParameterised ? residual : conditions, l.layout, r.layout, outer),
      map,
      nullRow: r.layout.slots.map(() => null),
    }
    const rightNode =
      handed.length > 0
        ? r.node
        : makeNode({
            label: 'Materialize',
            estimate: r.node.estimate,
            children: [r.node],
            open: (rt, [child]) => new MaterializeOperator(rt, must(child)),
          })
    const node = makeNode({
      label: `Nested Loop${LABELS[kind]}${kind === 'inner' ? '' : ' Join'}`,
      estimate: this.estimate,
      children: [l.node, rightNode],
      properties: () => (isParameterised ? [] : this.#properties('Join Filter')),
      open: (rt, [a, b]) => new NestedLoopOperator(rt, must(a), must(b), plan),
    })
    return { node, layout }
  }

  #allConditions(): readonly Expr[] {
    return [
      ...this.parts.equalities.flatMap((one) => equalityConditions.get(one) ?? []),
      ...this.parts.residual,
    ]
  }

  #handDown(
    handed: OuterScope['uses'],
    layout: Layout,
    outer: OuterScope | undefined,
  ): (rt: Runtime, l: Row) => void {
    const scope = this.#planner.scope([{ name: 'l', layout }], outer)
    const compiler = this.#planner.compiler([{ name: 'l', layout }], outer)
    const lines = handed.map((use) => `rt.s[${use.slot}] = ${scope.column(use.expr).source}`)
    return compiler.builder.build('rt, l', lines.join('\n'))
  }

  /** Rows named l and r, the side that may be missing with nullable slots. */
  #map(
    outputs: readonly Output[],
    left: Layout,
    right: Layout,
    outer: OuterScope | undefined,
  ): { readonly map: PairMap; readonly layout: Layout } {
    const { kind } = this.parts
    const l = kind === 'right' || kind === 'full' ? left.asNullable() : left
    const r = kind === 'left' || kind === 'full' || kind === 'anti' ? right.asNullable() : right
    const compiler = this.#planner.compiler(
      [
        { name: 'l', layout: l },
        { name: 'r', layout: r },
      ],
      outer,
    )
    const fragments = outputs.map((output) => compiler.value(output.expr))
    const map = compiler.builder.build<PairMap>(
      'rt, l, r',
      `return [${fragments.map((one) => one.source).join(', ')}]`,
    )
    const slots = outputs.map(({ relation, column }, i) => ({
      relation,
      column,
      nullable: must(fragments[i]).nullable,
    }))
    return { map, layout: new Layout(slots) }
  }

  #test(
    conditions: readonly Expr[],
    left: Layout,
    right: Layout,
    outer: OuterScope | undefined,
  ): PairTest | undefined {
    if (conditions.length === 0) return undefined
    const compiler = this.#planner.compiler(
      [
        { name: 'l', layout: left },
        { name: 'r', layout: right },
      ],
      outer,
    )
    return compiler.builder.build(
      'rt, l, r',
      `return ${conditions.map((one) => compiler.condition(one)).join(' && ')}`,
    )
  }

  #properties(name: string): [string, string][] {
    const planner = this.#planner
    const text = (list: readonly Expr[]): string => joinConditions(list.map((one) => planner.deparse(one)))
    if (name === 'Join Filter') {
      const all = text(this.#allConditions())
      return all === '' ? [] : [['Join Filter', all]]
    }
    const properties: [string, string][] = []
    const keys = text(this.parts.equalities.flatMap((one) => equalityConditions.get(one) ?? []))
    if (keys !== '') properties.push([name, keys])
    const rest = text(this.parts.residual)
    if (rest !== '') properties.push(['Join Filter', rest])
    return properties
  }
}

/** The condition that an equality was made of. */
const equalityConditions = new WeakMap<Equality, Expr>()

function estimateJoin({ left, right, equalities, isParameterised, rows }: JoinParts): Estimate {
  const l = left.estimate
  const r = right.estimate
  const width = l.width + r.width
  if (isParameterised)
    return { rows, startup: l.startup, total: l.total + l.rows * (r.total + 0.01) + rows * 0.005, width }
  if (equalities.length > 0) {
    const build = r.total + r.rows * 0.03
    return { rows, startup: build, total: l.total + build + l.rows * 0.015 + rows * 0.005, width }
  }
  return {
    rows,
    startup: l.startup,
    total: l.total + r.total + l.rows * r.rows * 0.0125 + rows * 0.005,
    width,
  }
}

const NUMBER_SLOTS: ReadonlySet<string> = new Set(['int2', 'int4', 'int8'])

/** Splits conditions into hashable equalities between the sides and the rest. */
export function splitEqualities(
  planner: Planner,
  conditions: readonly Expr[],
  left: ReadonlySet<RelationId>,
  right: ReadonlySet<RelationId>,
): { readonly equalities: Equality[]; readonly residual: Expr[] } {
  const equalities: Equality[] = []
  const residual: Expr[] = []
  for (const condition of conditions) {
    const equality = asEquality(planner, condition, left, right)
    if (equality === undefined) residual.push(condition)
    else {
      equalityConditions.set(equality, condition)
      equalities.push(equality)
    }
  }
  return { equalities, residual }
}

function asEquality(
  planner: Planner,
  condition: Expr,
  left: ReadonlySet<RelationId>,
  right: ReadonlySet<RelationId>,
): Equality | undefined {
  if (condition.kind !== 'call' || condition.args.length !== 2) return undefined
  const operator = planner.functions.operatorByOid(condition.operatorOid)
  if (operator?.btree !== '=' || !operator.canHash) return undefined
  const [a, b] = condition.args as [Expr, Expr]
  const [typeA, typeB] = [planner.type(operator.left), planner.type(operator.right)]
  const isInteger = NUMBER_SLOTS.has(typeA.rowSlot) && NUMBER_SLOTS.has(typeB.rowSlot)
  if (typeA.hashKey === undefined || (typeA.oid !== typeB.oid && !isInteger)) return undefined
  const isOver = (expr: Expr, side: ReadonlySet<RelationId>): boolean => {
    const used = freeRelations(expr)
    return used.size > 0 && [...used].every((relation) => side.has(relation))
  }
  if (isOver(a, left) && isOver(b, right)) return { left: a, right: b }
  if (isOver(b, left) && isOver(a, right)) return { left: b, right: a }
  return undefined
}
