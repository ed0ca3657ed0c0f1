// Figures of all segments of a volume, for `borealis.segments`.

import { StorageError } from '../base/errors.ts'
import { FIRST_GROUP, LSN_ZERO } from '../base/ids.ts'
import type { Configuration, Member } from '../message/configuration.ts'
import type { NodeStatistics } from '../message/message.ts'
import type { Members } from './members.ts'
import type { NodeLink } from './node-link.ts'
import { slotsOf } from './quorum.ts'
import type { SegmentStatus } from './volume.ts'

const PATIENCE_MS = 2000

/** Every segment of the volume, and its spares. */
export async function segmentStatuses(
  members: Members,
  isAlive: (link: NodeLink) => boolean,
): Promise<readonly SegmentStatus[]> {
  const { configuration } = members
  const roles = rolesOf(configuration)
  const rows = roles.map(async ({ member, role }) => {
    const link = members.link(member.node)
    const statistics = link === undefined || role === 'spare' ? undefined : await statisticsOf(link)
    const alive = statistics !== undefined || (role === 'spare' && link !== undefined && isAlive(link))
    const groups = role === 'spare' ? [FIRST_GROUP] : configuration.groups.map(({ group }) => group)
    return groups.map((group): SegmentStatus => {
      const held = statistics?.groups.find((each) => each.group === group)
      return {
        node: member.node,
        zone: member.zone,
        address: member.address,
        group,
        kind: member.kind,
        role,
        alive,
        scl: held?.scl ?? LSN_ZERO,
        gaps: held?.gaps ?? 0,
        timelines: held?.timelines ?? 0,
        pages: held?.pages ?? 0,
        bytes: held?.bytes ?? 0,
        lastScrubMicros: statistics?.lastScrubMicros ?? 0,
        error: link?.error?.message,
      }
    })
  })
  return (await Promise.all(rows)).flat()
}

interface Role {
  readonly member: Member
  readonly role: SegmentStatus['role']
}

function rolesOf(configuration: Configuration): readonly Role[] {
  const roles: Role[] = []
  for (const { member, candidate } of slotsOf(configuration)) {
    roles.push({ member, role: 'member' })
    if (candidate !== undefined) roles.push({ member: candidate, role: 'candidate' })
  }
  for (const member of configuration.spares) roles.push({ member, role: 'spare' })
  return roles
}

async function statisticsOf(link: NodeLink): Promise<NodeStatistics | undefined> {
  try {
    const answer = await link.request({ kind: 'statistics' }, PATIENCE_MS)
    return answer.kind === 'statistics' ? answer.statistics : undefined
  } catch (error) {
    if (error instanceof StorageError) return undefined
    throw error
  }
}
