// ALTER DATABASE d BACKTRACK_TO when: d becomes what it was. A timeline is branched off at the target and the name points to
// it; the timeline that it leaves is kept, so that a backtrack to a time before this statement undoes it.
//
//   A ──────●──────────▶ head        d ──▶ A         (sessions run on A)
//           └── B                    d ──▶ B         at commit, in one step: the entry names B, sessions move to B
//
// Nothing of A is changed. What ran there fails with 40001; see sql/session/moving.ts.

import { must } from '../../storage/base/assert.ts'
import { resolveWhen } from '../catalog/past.ts'
import { settled } from '../catalog/wait.ts'
import { parseWhen } from '../functions/when.ts'
import { SqlError } from '../types/sql-error.ts'
import { databaseNamed, sharedEditor, wallMicros } from './database-entry.ts'
import type { DdlWork } from './work.ts'

export async function backtrackDatabase(work: DdlWork, name: string, target: string): Promise<void> {
  work.requireNoBlock('ALTER DATABASE BACKTRACK_TO')
  const { oid, ownerOid, isTemplate } = databaseNamed(work, name)
  work.checkOwner('database', { name, ownerOid })
  if (isTemplate && !work.role.superuser)
    throw new SqlError('42501', 'must be superuser to backtrack a template')
  const { cluster, databases } = work.context
  const editor = sharedEditor(work)
  await settled(() => editor.lockObject('database', oid))
  const entry = editor.object('database', oid)
  if (entry === undefined) throw new SqlError('3D000', `database "${name}" does not exist`)
  const nowMicros = wallMicros(work)
  const when = parseWhen(target, work.functions)
  const point = await resolveWhen(cluster, entry, when, nowMicros)
  const timeline = await cluster.volume.createTimeline(await cluster.branchPoint(point))
  const next = { ...entry, timeline, expiresMicros: entry.expiresMicros }
  // Opened before the entry changes, so that the move itself waits for nothing.
  await databases.prepare(next)
  const backtrack = {
    timeline: entry.timeline,
    headLsn: cluster.headOf(entry.timeline),
    untilMicros: wallMicros(work),
    target,
    targetTimeline: point.timeline,
    targetLsn: point.lsn,
    byRole: must(work.shared.role(work.roleOid)).name,
  }
  await settled(() => editor.put({ ...next, kind: 'database', past: [...entry.past, backtrack] }))
}
