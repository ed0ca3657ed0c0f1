// Constants as utility statements carry them in their parse trees.

import type { Node } from '../../parse/ast.ts'

/** The text of a constant, a name or a cast of either; undefined for anything else. */
export function constantText(node: Node | undefined): string | undefined {
  if (node === undefined) return undefined
  if ('A_Const' in node) {
    const { ival, fval, boolval, sval, bsval } = node.A_Const
    if (ival !== undefined) return String(ival.ival ?? 0)
    if (fval !== undefined) return fval.fval ?? ''
    if (boolval !== undefined) return boolval.boolval === true ? 'true' : 'false'
    if (sval !== undefined) return sval.sval ?? ''
    return bsval?.bsval
  }
  if ('String' in node) return node.String.sval ?? ''
  if ('Integer' in node) return String(node.Integer.ival ?? 0)
  if ('Float' in node) return node.Float.fval ?? ''
  if ('Boolean' in node) return node.Boolean.boolval === true ? 'true' : 'false'
  if ('TypeCast' in node) return constantText(node.TypeCast.arg)
  if ('TypeName' in node) return typeNameText(node)
  if ('A_Star' in node) return '*'
  return undefined
}

/** A bare word that the grammar took for a type name (FORMAT csv). */
function typeNameText(node: Extract<Node, { TypeName: unknown }>): string | undefined {
  const last = node.TypeName.names?.at(-1)
  return last !== undefined && 'String' in last ? last.String.sval : undefined
}

/** The items of a List node as text. */
export function listTexts(node: Node | undefined): readonly string[] {
  if (node === undefined || !('List' in node)) return []
  return (node.List.items ?? []).map((item) => constantText(item) ?? '')
}
