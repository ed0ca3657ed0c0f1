// An immutable map whose changed copies are cheap: a large shared base and a small layer of changes over it.
//
//   with(changes):  base ── shared ──▶ base'       layer + changes ──▶ layer'       (a large layer becomes a new base)

/** Layers of this size, or of some roots of the base's, are copied at each change; larger ones are merged into it. */
const LAYER_SIZE_MIN = 64
const LAYER_ROOTS = 2

/** Stands for a removed key in a layer. */
const REMOVED: unique symbol = Symbol('removed')

export class LayeredMap<K, V> {
  readonly #base: ReadonlyMap<K, V>
  readonly #layer: ReadonlyMap<K, V | typeof REMOVED>

  private constructor(base: ReadonlyMap<K, V>, layer: ReadonlyMap<K, V | typeof REMOVED>) {
    this.#base = base
    this.#layer = layer
  }

  static of<K, V>(entries: Iterable<readonly [K, V]> = []): LayeredMap<K, V> {
    return new LayeredMap(new Map(entries), new Map())
  }

  get(key: K): V | undefined {
    const changed = this.#layer.get(key)
    if (changed !== undefined) return changed === REMOVED ? undefined : changed
    return this.#base.get(key)
  }

  /** A copy with these keys set, or removed where the value is undefined. */
  with(changes: ReadonlyMap<K, V | undefined>): LayeredMap<K, V> {
    if (changes.size === 0) return this
    if (this.#base.size === 0 && this.#layer.size === 0) return LayeredMap.of(present(changes))
    const layer = new Map(this.#layer)
    for (const [key, value] of changes) layer.set(key, value === undefined ? REMOVED : value)
    if (layer.size <= Math.max(LAYER_SIZE_MIN, LAYER_ROOTS * Math.sqrt(this.#base.size)))
      return new LayeredMap(this.#base, layer)
    const merged = new Map(this.#base)
    for (const [key, value] of layer) {
      if (value === REMOVED) merged.delete(key)
      else merged.set(key, value)
    }
    return new LayeredMap(merged, new Map())
  }

  /** Values: those of the base in its order (changed ones at their old places), then new ones. */
  *values(): Iterable<V> {
    const layer = this.#layer
    for (const [key, value] of this.#base) {
      const changed = layer.size === 0 ? undefined : layer.get(key)
      if (changed === undefined) yield value
      else if (changed !== REMOVED) yield changed
    }
    for (const [key, value] of layer) if (value !== REMOVED && !this.#base.has(key)) yield value
  }
}

function* present<K, V>(changes: ReadonlyMap<K, V | undefined>): Generator<readonly [K, V], void> {
  for (const [key, value] of changes) if (value !== undefined) yield [key, value]
}
