// One seed, from the first opening to the last check.
//
//   open ─▶ first timelines ─▶ clients and faults, checkers all along ─▶ heal
//        ─▶ everything appended becomes durable ─▶ member changes end ─▶ the writer is cut off: nodes catch up by gossip
//        ─▶ every page of every member ─▶ another writer finds it all

import { must } from '../../storage/base/assert.ts'
import { LSN_ZERO } from '../../storage/base/ids.ts'
import { type Bug, NO_BUG } from './bugs.ts'
import { Chance } from './chance.ts'
import { Checkers } from './checkers.ts'
import type { Coverage } from './coverage.ts'
import { Violation } from './model.ts'
import { Nemesis } from './nemesis.ts'
import { membersOf, Operator } from './operator.ts'
import { drawPlan, type Plan } from './plan.ts'
import { Workload } from './workload.ts'
import { World } from './world.ts'
import type { Writer } from './writer.ts'

/** Simulated time that the cluster has to get over everything once faults have stopped. */
const PATIENCE_MS = 60_000
const PROGRESS_STEPS = 20

export interface HistoryOptions {
  readonly bug?: Bug | undefined
  /** Replaces parts of what the seed plans. */
  readonly plan?: Partial<Plan> | undefined
  /** Hears every event. */
  readonly onNote?: ((text: string) => void) | undefined
}

export interface Outcome {
  readonly seed: number
  /** What must not have happened and did; undefined if all was well. */
  readonly violation: string | undefined
  /** The same for the same seed, always. */
  readonly hash: number
  readonly eventCount: number
  readonly simulatedMs: number
  readonly coverage: Coverage
}

/** Runs the history of a seed. Never rejects: whatever goes wrong is the outcome. */
export async function runHistory(seed: number, options: HistoryOptions = {}): Promise<Outcome> {
  const chance = new Chance(seed)
  const plan = { ...drawPlan(chance.stream('plan')), ...options.bug?.plan, ...options.plan }
  const world = new World(chance, plan, options.bug ?? NO_BUG)
  world.scheduler.onNote = options.onNote
  const onRejection = (error: unknown): void => world.violate(`rejected: ${textOf(error)}`)
  process.on('unhandledRejection', onRejection)
  try {
    await new History(world).run()
  } catch (error) {
    world.violate(textOf(error))
  } finally {
    process.off('unhandledRejection', onRejection)
  }
  const { violation, scheduler, coverage } = world
  const { hash, eventCount, elapsedMs } = scheduler
  return { seed, violation, hash, eventCount, simulatedMs: elapsedMs, coverage }
}

function textOf(error: unknown): string {
  if (error instanceof Violation) return error.message
  return error instanceof Error ? (error.stack ?? error.message) : String(error)
}

class History {
  readonly #world: World
  readonly #nemesis: Nemesis
  readonly #workload: Workload
  readonly #operator: Operator
  readonly #checkers: Checkers

  constructor(world: World) {
    this.#world = world
    this.#nemesis = new Nemesis(world)
    this.#workload = new Workload(world)
    this.#operator = new Operator(world)
    this.#checkers = new Checkers(world)
  }

  async run(): Promise<void> {
    const { plan, scheduler } = this.#world
    await this.#begin()
    this.#nemesis.start()
    this.#workload.start()
    this.#operator.start()
    this.#checkers.start()
    for (let step = 0; step < PROGRESS_STEPS && this.#isWell; step++) {
      this.#world.progress = step / PROGRESS_STEPS
      await this.#run(plan.durationMs / PROGRESS_STEPS)
    }
    this.#nemesis.heal()
    this.#workload.stop()
    this.#operator.stop()
    scheduler.note('healed')
    if (this.#isWell) await this.#goOn()
    if (this.#isWell) await this.#catchUpAlone()
    if (this.#isWell) await this.#succeed()
  }

  get #isWell(): boolean {
    return this.#world.violation === undefined
  }

  async #run(ms: number, done: () => boolean = () => false): Promise<boolean> {
    return this.#world.scheduler.run(ms, () => !this.#isWell || done())
  }

  /** Waits for something that must come; a Violation if it does not. */
  async #expect(what: string, done: () => boolean, missing: () => string = () => ''): Promise<void> {
    if (!(await this.#run(PATIENCE_MS, done)) && this.#isWell)
      throw new Violation(`${what} within ${PATIENCE_MS} ms of peace: ${missing()}`)
  }

  async #begin(): Promise<void> {
    const { model } = this.#world
    this.#nemesis.keepWriter()
    await this.#expect('no first opening', () => this.#world.writer !== undefined)
    const writer = must(this.#world.writer)
    if (!writer.volume.isNew) throw new Violation('the first opening found timelines')
    const roots = [{ parent: undefined }, { parent: undefined }]
    void Promise.all(roots.map((pending) => writer.createTimeline(pending)))
    await this.#expect('no first timelines', () => model.timelines.size === roots.length)
    for (const { log } of model.live()) if (log.last !== LSN_ZERO) throw new Violation('a root begins at 0')
  }

  /** Once faults have stopped, everything that was appended becomes durable and member changes end. */
  async #goOn(): Promise<void> {
    const { model } = this.#world
    const usable = (): Writer | undefined =>
      this.#world.writer?.isUsable === true && this.#world.openings.size === 0
        ? this.#world.writer
        : undefined
    await this.#expect('no writer', () => usable() !== undefined)
    let areZonesBack = false
    void this.#operator.takeZonesBack().then(() => (areZonesBack = true))
    await this.#expect('a zone was not taken back', () => areZonesBack)
    const behind = (): string | undefined => {
      const writer = usable()
      if (writer === undefined) return 'no writer'
      const timeline = model
        .live()
        .find((each) => writer.view(each).isBusy || writer.view(each).handle.vdl < (each.points.at(-1) ?? 0))
      return (
        timeline &&
        `timeline ${timeline.id} is at ${writer.view(timeline).handle.vdl} of ${timeline.log.last}`
      )
    }
    await this.#expect(
      'not all is durable',
      () => behind() === undefined,
      () => behind() ?? '',
    )
    const candidates = (): number => {
      const writer = usable()
      return writer === undefined ? 1 : membersOf(writer.volume.configuration).candidates.size
    }
    await this.#expect('a member change has not ended', () => candidates() === 0)
    // What only the writer can tell: that it is the writer, who the members are, and what recovery annulled.
    const strangers = (): string | undefined => this.#checkers.strangers()
    await this.#expect(
      'not all nodes were brought in',
      () => strangers() === undefined,
      () => strangers() ?? '',
    )
    this.#checkers.check()
  }

  /** Nodes need nobody but each other to get whole. */
  async #catchUpAlone(): Promise<void> {
    const { network } = this.#world
    const writer = must(this.#world.writer)
    network.partitions.add({ inside: new Set([writer.address]), direction: 'both' })
    const lag = (): string | undefined => this.#checkers.lag()
    await this.#expect(
      'nodes did not catch up by gossip',
      () => lag() === undefined,
      () => lag() ?? '',
    )
    if (!this.#isWell) return
    network.partitions.clear()
    this.#checkers.checkAll()
    this.#checkers.countBackground()
  }

  /** The next writer finds everything, and reads it through the volume. */
  async #succeed(): Promise<void> {
    const { model, reads } = this.#world
    const before = must(this.#world.writer)
    before.life.isAlive = false
    await this.#expect(
      'no successor',
      () => this.#world.writer !== before && this.#world.writer?.isUsable === true,
    )
    const writer = must(this.#world.writer)
    for (const timeline of model.live()) {
      if (timeline.vdl < (timeline.points.at(-1) ?? 0))
        throw new Violation(`timeline ${timeline.id} lost its end`)
    }
    let failed: string | undefined = 'not all was read in time'
    void reads.checkAll(writer).then((unanswered) => (failed = unanswered))
    await this.#expect(
      'reads in peace',
      () => failed === undefined,
      () => failed ?? '',
    )
  }
}
