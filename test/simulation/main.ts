// npm run sim -- --seeds N [--start SEED] [--bug NAME] [--minutes M] [--trace]
//
// Runs histories one after the other and stops at the first that is not well, with the line that runs it again. Every
// hundredth is run twice: the same seed must give the same history.

import { parseArgs } from 'node:util'

import { findBug } from './bugs.ts'
import { Coverage } from './coverage.ts'
import { type Outcome, runHistory } from './history.ts'

const TWICE_EVERY = 100
/** So many histories must have met everything that the simulation can do. */
const COVERAGE_SEEDS_MIN = 200

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      seeds: { type: 'string', default: '100' },
      start: { type: 'string', default: '1' },
      minutes: { type: 'string', default: '0' },
      bug: { type: 'string', default: 'none' },
      trace: { type: 'boolean', default: false },
    },
  })
  const bug = findBug(values.bug)
  const start = Number(values.start)
  const count = Number(values.seeds)
  const minutes = Number(values.minutes)
  const untilMs = minutes > 0 ? performance.now() + minutes * 60_000 : Infinity
  const onNote = values.trace ? (text: string): void => console.log(text) : undefined
  const coverage = new Coverage()
  const beganMs = performance.now()
  let done = 0
  let eventCount = 0
  let simulatedMs = 0
  for (let seed = start; seed < start + count && performance.now() < untilMs; seed++) {
    const outcome = await runHistory(seed, { bug, onNote })
    done++
    coverage.add(outcome.coverage)
    eventCount += outcome.eventCount
    simulatedMs += outcome.simulatedMs
    const violation = outcome.violation ?? (seed % TWICE_EVERY === 0 ? await differs(outcome) : undefined)
    if (violation === undefined) continue
    console.log(`seed ${seed}: ${violation}`)
    console.log(`npm run sim -- --seeds 1 --start ${seed}${bug.name === 'none' ? '' : ` --bug ${bug.name}`}`)
    return 1
  }
  const seconds = (performance.now() - beganMs) / 1000
  console.log(coverage.toString())
  console.log(
    `${done} seeds are clean: ${eventCount} events, ${(simulatedMs / 1000).toFixed(0)} simulated seconds, ` +
      `${seconds.toFixed(1)} s, ${(done / seconds).toFixed(1)} seeds/s`,
  )
  const missing = done >= COVERAGE_SEEDS_MIN ? coverage.missing() : []
  if (missing.length > 0) console.log(`never happened: ${missing.join(', ')}`)
  return missing.length > 0 ? 1 : 0
}

/** Runs a seed again. */
async function differs({ seed, hash }: Outcome): Promise<string | undefined> {
  const again = await runHistory(seed)
  return again.hash === hash ? undefined : `two runs differ: ${hash} and ${again.hash}`
}

process.exitCode = await main()
