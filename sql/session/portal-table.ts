// The portals of one session by name. The unnamed one, which nearly every Bind makes anew, has a place of its own: a map
// that gains and loses its only entry with each statement is rebuilt each time.

import type { Portal } from './portal.ts'

export class PortalTable {
  #unnamed: Portal | undefined
  readonly #named = new Map<string, Portal>()

  get isEmpty(): boolean {
    return this.#unnamed === undefined && this.#named.size === 0
  }

  get(name: string): Portal | undefined {
    return name === '' ? this.#unnamed : this.#named.get(name)
  }

  has(name: string): boolean {
    return this.get(name) !== undefined
  }

  set(name: string, portal: Portal): void {
    if (name === '') this.#unnamed = portal
    else this.#named.set(name, portal)
  }

  /** Removes a portal, if it is the one with its name. */
  remove(portal: Portal): void {
    if (this.#unnamed === portal) this.#unnamed = undefined
    else if (this.#named.get(portal.name) === portal) this.#named.delete(portal.name)
  }

  /** All of them at this moment, oldest first; the unnamed one last. */
  all(): readonly Portal[] {
    const named = this.#named.size === 0 ? [] : [...this.#named.values()]
    return this.#unnamed === undefined ? named : [...named, this.#unnamed]
  }

  /** Those that were given a name: only these can outlive their transaction. */
  named(): Iterable<Portal> {
    return this.#named.values()
  }

  get hasNamed(): boolean {
    return this.#named.size > 0
  }
}
