// Comments as objects: set and removed with what they describe.

import type { Dependency } from '../catalog/catalog.ts'
import type { DdlWork } from './work.ts'

/** Sets the comment on an object of this database; an undefined or empty text removes it. */
export async function setComment(work: DdlWork, on: Dependency, text: string | undefined): Promise<void> {
  const { classOid, objectOid, subId } = on
  await work.lockObject('comments', objectOid)
  const old = work.editor.object('comments', objectOid)?.comments ?? []
  const others = old.filter((item) => item.classOid !== classOid || item.subId !== subId)
  if (text !== undefined && text !== '') others.push({ classOid, subId, text })
  if (others.length > 0) await work.put({ kind: 'comments', oid: objectOid, comments: others })
  else if (old.length > 0) await work.remove('comments', objectOid)
}

/** Removes all comments on an object and, without `subId`, on its parts. */
export async function dropComments(
  work: DdlWork,
  classOid: number,
  objectOid: number,
  subId?: number,
): Promise<void> {
  const old = work.editor.object('comments', objectOid)?.comments
  if (old === undefined) return
  const isGone = (item: (typeof old)[number]): boolean =>
    item.classOid === classOid && (subId === undefined || item.subId === subId)
  const others = old.filter((item) => !isGone(item))
  if (others.length === old.length) return
  if (others.length > 0) await work.put({ kind: 'comments', oid: objectOid, comments: others })
  else await work.remove('comments', objectOid)
}
