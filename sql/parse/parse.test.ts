import { beforeAll, describe, expect, test } from 'vitest'
import { SqlError } from '../types/sql-error.ts'
import { loadParser, parseExpression, parseSql } from './parse.ts'

beforeAll(loadParser)

/** Code, message and position of the error a text gives. */
function errorOf(text: string): string {
  try {
    parseSql(text)
  } catch (error) {
    if (!(error instanceof SqlError)) throw error
    return `${error.code} ${error.message} at ${error.fields.position}`
  }
  return 'no error'
}

describe('statements', () => {
  test('an empty text, white space and comments have none', () => {
    for (const text of ['', '  \n', '-- hello', '/* a */ ;']) expect(parseSql(text)).toHaveLength(0)
  })

  test('each has its own text, and locations count in the whole', () => {
    const [first, second] = parseSql("select 'é';\n  update t set a = 1 ; ")
    expect(first?.text).toBe("select 'é'")
    expect(second?.text).toBe('update t set a = 1')
    expect(second?.tag).toBe('UpdateStmt')
    const update = second !== undefined && 'UpdateStmt' in second.node ? second.node.UpdateStmt : undefined
    expect(second?.source.positionOf(update?.relation?.location)).toBe(22)
  })

  test('an expression alone', () => {
    expect(parseExpression('a + 1').node).toHaveProperty('A_Expr')
    expect(() => parseExpression('a, b')).toThrow('one expression')
  })
})

test.each([
  ["select 'é', from t", '42601 syntax error at or near "from" at 13'],
  ['select', 'no error'],
  ['select 1 +', '42601 syntax error at end of input at 11'],
  ["select 'abc", `42601 unterminated quoted string at or near "'abc" at 8`],
  ['select "abc', `42601 unterminated quoted identifier at or near ""abc" at 8`],
  ['select "" from t', '42601 zero-length delimited identifier at or near """" at 8'],
  ['select /* x', '42601 unterminated /* comment at or near "/* x" at 8'],
  ['select 1a', '42601 trailing junk after numeric literal at or near "1a" at 8'],
  ['select 1, 2.5abc', '42601 trailing junk after numeric literal at or near "2.5a" at 11'],
  ['select $1a', '42601 trailing junk after parameter at or near "$1a" at 8'],
  [`select '1a', "2b", $x$3c$x$, E'\\'4d', a1 /* 5e /* 6f */ 7g */ -- 8h`, 'no error'],
  ["select E'\\u00zz'", '22025 invalid Unicode escape at 10'],
  ['select * from (select 1)', '42601 subquery in FROM must have an alias at 15'],
  ['create role public', '42939 role name "public" is reserved at 13'],
  ['select a from t limit 1, 2', '42601 LIMIT #,# syntax is not supported at 17'],
])('%s', (text, expected) => {
  expect(errorOf(text)).toBe(expected)
})

test('nesting too deep is an error, and the parser goes on working', () => {
  expect(errorOf(`select 1${'+1'.repeat(20_000)}`)).toContain('54001')
  expect(parseSql('select 1')).toHaveLength(1)
})
