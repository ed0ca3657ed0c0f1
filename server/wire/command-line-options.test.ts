// What `options` may hold.

import { expect, test } from 'vitest'
import { parseCommandLineOptions } from './command-line-options.ts'

test('-c and -- in all their forms', () => {
  expect([...parseCommandLineOptions('-c a=1 -cb=2  --c-d=3\t-c e=x=y')]).toEqual([
    ['a', '1'],
    ['b', '2'],
    ['c_d', '3'],
    ['e', 'x=y'],
  ])
  expect([...parseCommandLineOptions('')]).toEqual([])
})

test('a backslash keeps the next character', () => {
  expect([...parseCommandLineOptions(String.raw`-c search_path=a,\ b -c x=\\y`)]).toEqual([
    ['search_path', 'a, b'],
    ['x', '\\y'],
  ])
})

test('mistakes', () => {
  expect(() => parseCommandLineOptions('-c a')).toThrow('-c a requires a value')
  expect(() => parseCommandLineOptions('--a')).toThrow('--a requires a value')
  expect(() => parseCommandLineOptions('-c')).toThrow('invalid command-line argument for server process: -c')
  expect(() => parseCommandLineOptions('-Q 1')).toThrow(
    'invalid command-line argument for server process: -Q',
  )
  expect(() => parseCommandLineOptions('word')).toThrow(
    'invalid command-line argument for server process: word',
  )
})
