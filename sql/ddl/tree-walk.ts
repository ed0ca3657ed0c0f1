// Walks over whole bound trees, queries included, without knowing every kind of node: all that is reachable through
// plain fields, but not what belongs to the catalog (tables, functions).
//
// Trees are frozen plain data, so a change makes new objects along the path and shares the rest.

const OUTSIDE: ReadonlySet<string> = new Set(['table', 'function', 'equal', 'less', 'typeEntry'])

type Fields = Record<string, unknown>

function isNode(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype
}

/** Calls `visit` with every object of the tree; it returns false to leave an object's inside alone. */
export function visitTree(value: unknown, visit: (node: Fields) => boolean | undefined): void {
  if (Array.isArray(value)) {
    for (const item of value) visitTree(item, visit)
    return
  }
  if (!isNode(value) || visit(value) === false) return
  for (const name in value) if (!OUTSIDE.has(name)) visitTree(value[name], visit)
}

/** A copy with every object replaced by what `change` makes of it (undefined: as it is), inside first. */
export function mapTree<T>(value: T, change: (node: Fields) => Fields | undefined): T {
  if (Array.isArray(value)) {
    const items = value.map((item: unknown) => mapTree(item, change))
    return (items.every((item, i) => item === value[i]) ? value : items) as T
  }
  if (!isNode(value)) return value
  let copy: Fields | undefined
  for (const name in value) {
    if (OUTSIDE.has(name)) continue
    const mapped = mapTree(value[name], change)
    if (mapped !== value[name]) {
      copy ??= { ...value }
      copy[name] = mapped
    }
  }
  const node = copy ?? value
  return (change(node) ?? node) as T
}
