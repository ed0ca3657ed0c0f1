// Three-way merge of schemas: what only the branch changed is carried over, as the statements that do it.
//
//   base ─theirs─▶ changed    ours as in base: carry it over      ours as in theirs: done already      else: a conflict
//
// Statements come in two parts: before the rows (types, sequences, tables, columns; what is dropped) and after them (NOT
// NULL, constraints, indexes, views), so that rows are checked against the merged schema as a whole.

import { quoteIdentifier, quoteLiteral } from '../../functions/quote.ts'
import { unsupported } from '../../types/sql-error.ts'
import { compareSchemas, isPartOf, type ObjectChange } from './schema-diff.ts'
import { type ColumnParts, OBJECT_KINDS, type ObjectKind, type SchemaObject } from './schema-objects.ts'

export type Schema = ReadonlyMap<string, SchemaObject>

export interface SchemaConflict {
  readonly kind: ObjectKind
  readonly name: string
  readonly base: SchemaObject | undefined
  readonly ours: SchemaObject | undefined
  readonly theirs: SchemaObject | undefined
}

export interface SchemaStep {
  /** For the result: create, alter, drop. */
  readonly action: string
  readonly kind: ObjectKind
  readonly name: string
  readonly before: readonly string[]
  readonly after: readonly string[]
}

export interface SchemaMerge {
  readonly steps: readonly SchemaStep[]
  readonly conflicts: readonly SchemaConflict[]
}

/** `winner`: whose version of what both changed is taken; undefined: they are conflicts. */
export function mergeSchemas(
  { base, ours, theirs }: { readonly base: Schema; readonly ours: Schema; readonly theirs: Schema },
  winner: 'ours' | 'theirs' | undefined,
): SchemaMerge {
  const changes = compareSchemas(base, theirs)
  const wanted: ObjectChange[] = []
  const conflicts: SchemaConflict[] = []
  for (const { from, to } of changes) {
    const { kind, name } = (from ?? to) as SchemaObject
    const own = ours.get(`${kind} ${name}`)
    if (own?.definition === to?.definition) continue
    const isUntouched = own?.definition === from?.definition
    if (!isUntouched) conflicts.push({ kind, name, base: from, ours: own, theirs: to })
    if (isUntouched || winner === 'theirs') wanted.push({ from: own, to })
  }
  return { steps: stepsOf(wanted, ours), conflicts }
}

function stepsOf(changes: readonly ObjectChange[], ours: Schema): readonly SchemaStep[] {
  const own = changes.filter((change) => !isPartOf(change, changes))
  const dropped = own.filter(({ to }) => to === undefined)
  const rest = own.filter(({ to }) => to !== undefined)
  dropped.sort((a, b) => rank(b) - rank(a))
  return [...dropped, ...rest].map((change) => stepOf(change, attributesLeft(change, changes, ours)))
}

/** Owner, privileges and comments of ours that a view loses when it is made anew, and that nobody changed. */
function attributesLeft(
  { from, to }: ObjectChange,
  changes: readonly ObjectChange[],
  ours: Schema,
): SchemaObject[] {
  if (from === undefined || to?.kind !== 'view') return []
  const isChanged = ({ kind, name }: SchemaObject): boolean =>
    changes.some(
      (change) => (change.to ?? change.from)?.kind === kind && (change.to ?? change.from)?.name === name,
    )
  return [...ours.values()].filter((one) => one.about === `view ${to.name}` && !isChanged(one))
}

function rank({ from, to }: ObjectChange): number {
  const object = from ?? to
  const kind = OBJECT_KINDS.indexOf(object?.kind ?? 'view')
  return object?.isForeignKey === true ? OBJECT_KINDS.length : kind
}

function stepOf({ from, to }: ObjectChange, attributes: readonly SchemaObject[]): SchemaStep {
  const { kind, name } = (to ?? from) as SchemaObject
  if (to === undefined)
    return { action: 'drop', kind, name, before: from === undefined ? [] : [from.drop], after: [] }
  if (from === undefined) return { action: 'create', kind, name, ...created(to) }
  return { action: 'alter', kind, name, ...altered(from, to, attributes) }
}

type Parts = Pick<SchemaStep, 'before' | 'after'>

function created(object: SchemaObject): Parts {
  switch (object.kind) {
    case 'constraint':
    case 'index':
    case 'view':
    case 'owner':
    case 'privilege':
    case 'comment':
      return { before: [], after: [object.create] }
    case 'column': {
      const isLate = object.parts?.notNull === true && object.parts.identity === undefined
      return { before: [object.create], after: isLate ? [`${alterColumn(object)} SET NOT NULL`] : [] }
    }
    default:
      return { before: [object.create], after: [] }
  }
}

function altered(from: SchemaObject, to: SchemaObject, attributes: readonly SchemaObject[]): Parts {
  switch (to.kind) {
    case 'column':
      return alteredColumn(from, to)
    case 'constraint':
    case 'index':
      return { before: [from.drop], after: [to.create] }
    case 'view':
      return { before: [from.drop], after: [to.create, ...attributes.map(({ create }) => create)] }
    case 'privilege':
      return { before: [], after: [from.drop, to.create] }
    case 'owner':
    case 'comment':
      return { before: [], after: [to.create] }
    case 'sequence':
      return {
        before: [to.create.replace('CREATE SEQUENCE', 'ALTER SEQUENCE').replace(/ START WITH \S+/, '')],
        after: [],
      }
    case 'type':
      return { before: addedLabels(from, to), after: [] }
    default:
      throw unsupported(`borealis.merge of a changed ${to.kind}: ${to.name}`)
  }
}

function alterColumn(column: SchemaObject): string {
  return `ALTER TABLE ${column.table ?? ''} ALTER COLUMN ${quoteIdentifier(column.column?.name ?? '')}`
}

function alteredColumn(from: SchemaObject, to: SchemaObject): Parts {
  const [old, next] = [from.parts, to.parts]
  const isGenerated = to.column?.generated === true
  if (
    old === undefined ||
    next === undefined ||
    (from.column?.generated === true) !== isGenerated ||
    (isGenerated && old.default !== next.default)
  ) {
    throw unsupported(`borealis.merge of a changed generated column: ${to.name}`)
  }
  const alter = alterColumn(to)
  const before: string[] = []
  const after: string[] = []
  if (old.identity !== undefined && next.identity === undefined) before.push(`${alter} DROP IDENTITY`)
  before.push(...alteredValue(to, old, next))
  if (old.notNull && !next.notNull) before.push(`${alter} DROP NOT NULL`)
  if (!old.notNull && next.notNull) after.push(`${alter} SET NOT NULL`)
  if (next.identity !== undefined && old.identity === undefined) after.push(`${alter} ADD ${next.identity}`)
  else if (next.identity !== undefined && old.identity !== next.identity) {
    before.push(`${alter} SET ${next.identity.replace(' AS IDENTITY', '')}`)
  }
  return { before, after }
}

/** Its type and default: the old default may not fit the new type. */
function alteredValue(to: SchemaObject, old: ColumnParts, next: ColumnParts): readonly string[] {
  const alter = alterColumn(to)
  const statements: string[] = []
  const isNewDefault = old.default !== next.default
  if (old.default !== undefined && isNewDefault) statements.push(`${alter} DROP DEFAULT`)
  if (old.type !== next.type) {
    const name = quoteIdentifier(to.column?.name ?? '')
    statements.push(`${alter} TYPE ${next.type} USING ${name}::${next.type}`)
  }
  if (next.default !== undefined && isNewDefault) statements.push(`${alter} SET DEFAULT ${next.default}`)
  return statements
}

/** An enum that got labels. */
function addedLabels(from: SchemaObject, to: SchemaObject): readonly string[] {
  const [old, next] = [from.labels, to.labels]
  const kept = next?.filter((label) => old?.includes(label) === true)
  if (old === undefined || next === undefined || kept?.join('\0') !== old.join('\0'))
    throw unsupported(`borealis.merge of a changed type: ${to.name}`)
  const statements: string[] = []
  for (const [i, label] of next.entries()) {
    if (old.includes(label)) continue
    const follower = next.slice(i + 1).find((one) => old.includes(one))
    const previous = next[i - 1]
    const place =
      previous !== undefined
        ? ` AFTER ${quoteLiteral(previous)}`
        : follower === undefined
          ? ''
          : ` BEFORE ${quoteLiteral(follower)}`
    statements.push(`ALTER TYPE ${to.name} ADD VALUE ${quoteLiteral(label)}${place}`)
  }
  return statements
}
