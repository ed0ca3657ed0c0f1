import { expect, test } from 'vitest'

import type { Clock } from '../../storage/base/env.ts'
import { ANSWERS_A_TURN_MIN } from '../limits.ts'
import { AnswerTurns } from './answer-turns.ts'

/** A clock whose turns end when told. */
class TurnClock {
  #callbacks: (() => void)[] = []

  soon(callback: () => void): void {
    this.#callbacks.push(callback)
  }

  endTurn(): void {
    for (const callback of this.#callbacks.splice(0)) callback()
  }
}

function makeTurns(): {
  turns: AnswerTurns
  clock: TurnClock
  answer: (count: number) => boolean[]
  left: string[]
} {
  const clock = new TurnClock()
  const turns = new AnswerTurns(clock as Partial<Clock> as Clock)
  const left: string[] = []
  const answer = (count: number): boolean[] =>
    Array.from({ length: count }, (_, at) => turns.defers({ leave: () => left.push(`answer ${at}`) }))
  return { turns, clock, answer, left }
}

test('while few connections are answered in a turn, nothing waits', () => {
  const { clock, answer, left } = makeTurns()
  for (let turn = 0; turn < 100; turn++) {
    expect(answer(ANSWERS_A_TURN_MIN - 1)).not.toContain(true)
    clock.endTurn()
  }
  expect(left).toEqual([])
})

test('with many, all of a turn wait for its end, in their order, once', () => {
  const { clock, answer, left } = makeTurns()
  for (let turn = 0; turn < 20; turn++) {
    answer(2 * ANSWERS_A_TURN_MIN)
    clock.endTurn()
  }
  left.length = 0
  expect(answer(3)).toEqual([true, true, true])
  expect(left).toEqual([])
  clock.endTurn()
  expect(left).toEqual(['answer 0', 'answer 1', 'answer 2'])
  clock.endTurn()
  expect(left).toHaveLength(3)
})

test('when the crowd has gone, answers go at once again', () => {
  const { clock, answer } = makeTurns()
  for (let turn = 0; turn < 20; turn++) {
    answer(2 * ANSWERS_A_TURN_MIN)
    clock.endTurn()
  }
  for (let turn = 0; turn < 20; turn++) {
    answer(1)
    clock.endTurn()
  }
  expect(answer(1)).toEqual([false])
})

test('what is answered while others leave belongs to the next turn', () => {
  const { turns, clock, answer, left } = makeTurns()
  for (let turn = 0; turn < 20; turn++) {
    answer(2 * ANSWERS_A_TURN_MIN)
    clock.endTurn()
  }
  left.length = 0
  const second = { leave: () => left.push('second') }
  turns.defers({ leave: () => void turns.defers(second) })
  clock.endTurn()
  expect(left).toEqual([])
  clock.endTurn()
  expect(left).toEqual(['second'])
})
