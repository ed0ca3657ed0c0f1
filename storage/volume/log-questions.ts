// Questions about a timeline's log that any one node can answer whose segment reaches far enough: the first that does is
// believed, the next is asked after an error.

import { StorageError } from '../base/errors.ts'
import { type Lsn, type PageNo, type TimelineId, formatLsn } from '../base/ids.ts'
import type { CommitRecord, NodeMessage } from '../message/message.ts'
import type { NodeLink, NodeRequest } from './node-link.ts'

const PATIENCE_MS = 5000

/** Asks one node after the other until `answerOf` takes an answer. Rejects with StorageError. */
export async function askAny<T>(
  nodes: readonly NodeLink[],
  request: NodeRequest,
  answerOf: (message: NodeMessage) => T | undefined,
): Promise<T> {
  let error: unknown
  for (const node of nodes) {
    try {
      const answer = answerOf(await node.request(request, PATIENCE_MS))
      if (answer !== undefined) return answer
    } catch (thrown) {
      error = thrown
    }
  }
  throw error ?? new StorageError('no-quorum', `no storage node can answer a ${request.kind}`)
}

/** Pages with records in (above, upTo] of the timeline's own log, gathered from as many answers as it takes. */
export async function askChangedPages(
  candidates: () => readonly NodeLink[],
  timeline: TimelineId,
  above: Lsn,
  upTo: Lsn,
): Promise<ReadonlySet<PageNo>> {
  const pages = new Set<PageNo>()
  let from = above
  while (from < upTo) {
    const request = { kind: 'changed-pages', timeline, above: from, upTo } as const
    const answer = await askAny(candidates(), request, (message) =>
      message.kind === 'changed-pages' ? message : undefined,
    )
    for (const page of answer.pages) pages.add(page as PageNo)
    if (answer.upTo <= from) {
      throw new StorageError('io', `the log of timeline ${timeline} has nothing behind ${formatLsn(from)}`)
    }
    from = answer.upTo
  }
  return pages
}

/** The commit that a record belongs to. */
export async function askCommitOf(
  nodes: readonly NodeLink[],
  timeline: TimelineId,
  lsn: Lsn,
): Promise<CommitRecord | undefined> {
  const { commit } = await askAny(nodes, { kind: 'find-commit', timeline, lsn }, (message) =>
    message.kind === 'commit' ? message : undefined,
  )
  return commit
}
