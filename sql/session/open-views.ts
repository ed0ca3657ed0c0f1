// The views that a session's runs read through, and which of them keep their pages.
//
//   begin ─▶ active ── its statement waits, or its portal stays open ─▶ pinned ─┐
//   hold ──▶ pinned until what it is held for is over ─▶ releaseHeld            ├─▶ finish: nothing is kept for it any more
//               └── a view that nobody waits with is never pinned ──────────────┘
//
// Pages change under a view that is not pinned: a statement that runs through in one turn needs no copy of any.

import type { View } from '../../storage/engine/engine.ts'

export class OpenViews {
  /** Of the runs under way. */
  readonly #active: View[] = []
  readonly #held: View[] = []
  readonly #pinned = new Set<View>()

  /** No run is under way. */
  get isIdle(): boolean {
    return this.#active.length === 0
  }

  begin(view: View): void {
    this.#active.push(view)
  }

  /** The running statement must wait: other sessions will change pages meanwhile. */
  pinActive(): void {
    for (const view of this.#active) if (!view.isSpent) this.pin(view)
  }

  pin(view: View): void {
    if (this.#pinned.has(view)) return
    this.#pinned.add(view)
    view.database.pin(view)
  }

  /** Keeps a view whole that no run ends: for DDL and COPY, until `releaseHeld`. */
  hold(view: View): void {
    this.pin(view)
    this.#held.push(view)
  }

  releaseHeld(): void {
    if (this.#held.length === 0) return
    for (const view of this.#held) if (this.#pinned.delete(view)) view.database.unpin(view)
    this.#held.length = 0
  }

  /** Its run is over. Runs end in the reverse order of their beginnings, nearly always. */
  finish(view: View): void {
    const views = this.#active
    if (views[views.length - 1] === view) views.pop()
    else {
      const at = views.indexOf(view)
      if (at >= 0) views.splice(at, 1)
    }
    if (this.#pinned.size > 0 && this.#pinned.delete(view)) view.database.unpin(view)
  }
}
