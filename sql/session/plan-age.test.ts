import { expect, test } from 'vitest'

import { PlanAge } from './plan-age.ts'

test('a table that has grown a lot makes a plan old, at few looks', () => {
  let rows = 0
  let looks = 0
  const sizes = {
    estimate: () => {
      looks++
      return { tuples: rows }
    },
  }
  const age = new PlanAge(new Map([[1, 0]]))
  for (let use = 0; use < 10_000; use++) expect(age.isCurrent(sizes)).toBe(true)
  expect(looks).toBeLessThan(25)
  rows = 100_000
  let uses = 0
  while (age.isCurrent(sizes)) uses++
  expect(uses).toBeLessThanOrEqual(1024)
})

test('small changes and a plan without tables stay current', () => {
  const age = new PlanAge(new Map([[1, 5]]))
  for (let use = 0; use < 100; use++)
    expect(age.isCurrent({ estimate: () => ({ tuples: use * 10 }) })).toBe(true)
  const none = new PlanAge(new Map())
  for (let use = 0; use < 100; use++) expect(none.isCurrent({ estimate: () => ({ tuples: 1e9 }) })).toBe(true)
})
