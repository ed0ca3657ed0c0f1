// npm run sim -- --seeds N [--start SEED] [--jobs J] [--all] [--bug NAME] [--minutes M] [--trace]
//
// Runs histories one after the other and stops at the first that is not well, with the line that runs it again; with
// --all it goes on and names every one. Every hundredth is run twice: the same seed must give the same history.
//
//   --jobs J ─▶ J processes (0: one for each processor), each of which gets another seed when it is done with one

import { fork } from 'node:child_process'
import { availableParallelism } from 'node:os'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'

import { type Bug, findBug } from './bugs.ts'
import { Coverage, type Covered } from './coverage.ts'
import { runHistory } from './history.ts'

const TWICE_EVERY = 100
/** So many histories must have met everything that the simulation can do. */
const COVERAGE_SEEDS_MIN = 200

/** What came of a seed, as it crosses from one process to another. */
interface Result {
  readonly seed: number
  readonly violation: string | undefined
  readonly eventCount: number
  readonly simulatedMs: number
  readonly cpuMs: number
  readonly counts: readonly (readonly [Covered, number])[]
}

async function resultOf(seed: number, bug: Bug, onNote?: (text: string) => void): Promise<Result> {
  const began = process.cpuUsage()
  const outcome = await runHistory(seed, { bug, onNote })
  const { user, system } = process.cpuUsage(began)
  const { eventCount, simulatedMs, coverage } = outcome
  let { violation } = outcome
  if (violation === undefined && seed % TWICE_EVERY === 0) {
    const again = await runHistory(seed, { bug })
    if (again.hash !== outcome.hash) violation = `two runs differ: ${outcome.hash} and ${again.hash}`
  }
  const counts = [...coverage.counts]
  return { seed, violation, eventCount, simulatedMs, cpuMs: (user + system) / 1000, counts }
}

/** All that was run so far. */
class Tally {
  done = 0
  failed = 0
  readonly #coverage = new Coverage()
  readonly #bug: Bug
  #eventCount = 0
  #simulatedMs = 0
  #cpuMs = 0
  readonly #beganMs = performance.now()

  constructor(bug: Bug) {
    this.#bug = bug
  }

  add({ seed, violation, eventCount, simulatedMs, cpuMs, counts }: Result): void {
    this.done++
    for (const [what, times] of counts) this.#coverage.count(what, times)
    this.#eventCount += eventCount
    this.#simulatedMs += simulatedMs
    this.#cpuMs += cpuMs
    if (violation === undefined) return
    this.failed++
    console.log(`seed ${seed}: ${violation}`)
    const planted = this.#bug.name === 'none' ? '' : ` --bug ${this.#bug.name}`
    console.log(`npm run sim -- --seeds 1 --start ${seed}${planted}`)
  }

  /** The exit status. */
  end(): number {
    const seconds = (performance.now() - this.#beganMs) / 1000
    if (this.failed === 0) console.log(this.#coverage.toString())
    console.log(
      `${this.done - this.failed} of ${this.done} seeds are clean: ${this.#eventCount} events, ` +
        `${(this.#simulatedMs / 1000).toFixed(0)} simulated seconds, ${seconds.toFixed(1)} s, ` +
        `${(this.done / seconds).toFixed(1)} seeds/s, ${(this.#cpuMs / this.done).toFixed(0)} ms of processor a seed`,
    )
    const missing = this.failed === 0 && this.done >= COVERAGE_SEEDS_MIN ? this.#coverage.missing() : []
    if (missing.length > 0) console.log(`never happened: ${missing.join(', ')}`)
    return this.failed + missing.length > 0 ? 1 : 0
  }
}

/** Runs what `next` gives, each seed in whichever process is free. */
function runInProcesses(jobs: number, bug: Bug, next: () => number | undefined, tally: Tally): Promise<void> {
  const workers = Array.from({ length: jobs }, () => {
    const worker = fork(fileURLToPath(import.meta.url), ['--worker', '--bug', bug.name])
    const give = (): void => {
      const seed = next()
      if (seed === undefined) worker.disconnect()
      else worker.send(seed)
    }
    return new Promise<void>((resolve, reject) => {
      worker.on('message', (result: Result) => {
        tally.add(result)
        give()
      })
      worker.on('error', reject)
      worker.on('exit', (code) => (code === 0 ? resolve() : reject(new Error(`a job ended with ${code}`))))
      give()
    })
  })
  return Promise.all(workers).then(() => undefined)
}

function work(bug: Bug): void {
  process.on('message', (seed: number) => void resultOf(seed, bug).then((result) => process.send?.(result)))
}

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      seeds: { type: 'string', default: '100' },
      start: { type: 'string', default: '1' },
      jobs: { type: 'string', default: '1' },
      minutes: { type: 'string', default: '0' },
      bug: { type: 'string', default: 'none' },
      all: { type: 'boolean', default: false },
      trace: { type: 'boolean', default: false },
      worker: { type: 'boolean', default: false },
    },
  })
  const bug = findBug(values.bug)
  if (values.worker) {
    work(bug)
    return 0
  }
  const minutes = Number(values.minutes)
  const untilMs = minutes > 0 ? performance.now() + minutes * 60_000 : Infinity
  const tally = new Tally(bug)
  let seed = Number(values.start)
  const end = seed + Number(values.seeds)
  const next = (): number | undefined => {
    const isOver = seed >= end || performance.now() >= untilMs || (tally.failed > 0 && !values.all)
    return isOver ? undefined : seed++
  }
  const jobs = Number(values.jobs) || availableParallelism()
  if (jobs > 1) await runInProcesses(jobs, bug, next, tally)
  else {
    const onNote = values.trace ? (text: string): void => console.log(text) : undefined
    for (let at = next(); at !== undefined; at = next()) tally.add(await resultOf(at, bug, onNote))
  }
  return tally.end()
}

process.exitCode = await main()
