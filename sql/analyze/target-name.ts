// The name a result column gets when none is given: the column's, the function's, the type's (FigureColname).

import type { Node } from '../parse/ast.ts'
import { nodeAs, stringsOf, tagOf } from '../parse/ast.ts'

/** How good a name is: a cast's type name gives way to a name inside it. */
interface Guess {
  readonly name: string
  readonly strength: 1 | 2
}

const SESSION_NAMES: Readonly<Record<string, string>> = {
  SVFOP_CURRENT_DATE: 'current_date',
  SVFOP_CURRENT_TIME: 'current_time',
  SVFOP_CURRENT_TIME_N: 'current_time',
  SVFOP_CURRENT_TIMESTAMP: 'current_timestamp',
  SVFOP_CURRENT_TIMESTAMP_N: 'current_timestamp',
  SVFOP_LOCALTIME: 'localtime',
  SVFOP_LOCALTIME_N: 'localtime',
  SVFOP_LOCALTIMESTAMP: 'localtimestamp',
  SVFOP_LOCALTIMESTAMP_N: 'localtimestamp',
  SVFOP_CURRENT_ROLE: 'current_role',
  SVFOP_CURRENT_USER: 'current_user',
  SVFOP_USER: 'user',
  SVFOP_SESSION_USER: 'session_user',
  SVFOP_CURRENT_CATALOG: 'current_catalog',
  SVFOP_CURRENT_SCHEMA: 'current_schema',
}

const sure = (name: string | undefined): Guess | undefined =>
  name === undefined ? undefined : { name, strength: 2 }

function guess(node: Node): Guess | undefined {
  switch (tagOf(node)) {
    case 'ColumnRef':
      return sure(stringsOf(nodeAs(node, 'ColumnRef')?.fields).at(-1))
    case 'A_Indirection': {
      const indirection = nodeAs(node, 'A_Indirection')
      const field = stringsOf(indirection?.indirection).at(-1)
      if (field !== undefined) return sure(field)
      return indirection?.arg === undefined ? undefined : guess(indirection.arg)
    }
    case 'FuncCall':
      return sure(stringsOf(nodeAs(node, 'FuncCall')?.funcname).at(-1))
    case 'A_Expr':
      return nodeAs(node, 'A_Expr')?.kind === 'AEXPR_NULLIF' ? sure('nullif') : undefined
    case 'TypeCast':
      return guessCast(node)
    case 'CollateClause': {
      const arg = nodeAs(node, 'CollateClause')?.arg
      return arg === undefined ? undefined : guess(arg)
    }
    case 'GroupingFunc':
      return sure('grouping')
    case 'SubLink':
      return guessSubquery(node)
    case 'CaseExpr':
      return guessCase(node)
    case 'A_ArrayExpr':
      return sure('array')
    case 'RowExpr':
      return sure('row')
    case 'CoalesceExpr':
      return sure('coalesce')
    case 'MinMaxExpr':
      return sure(nodeAs(node, 'MinMaxExpr')?.op === 'IS_LEAST' ? 'least' : 'greatest')
    case 'SQLValueFunction':
      return sure(SESSION_NAMES[nodeAs(node, 'SQLValueFunction')?.op ?? ''])
    case 'XmlSerialize':
      return sure('xmlserialize')
    default:
      return undefined
  }
}

function guessCast(node: Node): Guess | undefined {
  const cast = nodeAs(node, 'TypeCast')
  const inner = cast?.arg === undefined ? undefined : guess(cast.arg)
  const type = stringsOf(cast?.typeName?.names).at(-1)
  return inner?.strength === 2 || type === undefined ? inner : { name: type, strength: 1 }
}

function guessCase(node: Node): Guess {
  const otherwise = nodeAs(node, 'CaseExpr')?.defresult
  const inner = otherwise === undefined ? undefined : guess(otherwise)
  return inner?.strength === 2 ? inner : { name: 'case', strength: 1 }
}

function guessSubquery(node: Node): Guess | undefined {
  const link = nodeAs(node, 'SubLink')
  if (link?.subLinkType === 'EXISTS_SUBLINK') return sure('exists')
  if (link?.subLinkType === 'ARRAY_SUBLINK') return sure('array')
  if (link?.subLinkType !== 'EXPR_SUBLINK') return undefined
  let select = nodeAs(link.subselect, 'SelectStmt')
  while (select?.larg !== undefined) select = select.larg
  if (select?.valuesLists !== undefined) return sure('column1')
  const target = nodeAs(select?.targetList?.[0], 'ResTarget')
  if (target?.name !== undefined) return sure(target.name)
  return target?.val === undefined ? undefined : guess(target.val)
}

/** The column name for an expression, undefined where PostgreSQL has none (it shows ?column?). */
export function nameOfExpr(node: Node): string | undefined {
  return guess(node)?.name
}
