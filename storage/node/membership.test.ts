import { expect, test } from 'vitest'

import type { Epoch, GroupNo } from '../base/ids.ts'
import type { Configuration, Member } from '../message/configuration.ts'
import { Membership } from './membership.ts'

const member = (node: number, zone = 'az1'): Member => ({ node, zone, address: undefined, kind: 'full' })

function configuration(candidate?: Member, zonesAway: readonly string[] = []): Configuration {
  const members = [1, 2, 3, 4, 5, 6].map((node) => member(node, `az${((node - 1) % 3) + 1}`))
  const slots = members.map((each) => ({ member: each, candidate: each.node === 6 ? candidate : undefined }))
  return {
    clusterId: 'c',
    membershipEpoch: 1 as Epoch,
    geometryEpoch: 1 as Epoch,
    segmentSizeBytes: 8192,
    quorum: { nodeCount: 6, writeCount: 4, readCount: 3, fullWriteCount: 0 },
    zonesAway,
    groups: [{ group: 0 as GroupNo, slots }],
    spares: [],
  }
}

function meets(membership: Membership, ...heard: readonly number[]): boolean {
  return membership.meetsWrites((node) => heard.includes(node))
}

test('a node and two others meet every write of six', () => {
  const membership = new Membership(1, configuration())
  expect([meets(membership, 2), meets(membership, 2, 3), meets(membership, 5, 6)]).toEqual([
    false,
    true,
    true,
  ])
})

test('a member and its candidate have one voice, and only together', () => {
  const membership = new Membership(1, configuration(member(7)))
  // What 2, 3, 4 and 5 acknowledged neither of them need have.
  expect(meets(membership, 6, 7)).toBe(false)
  expect(meets(membership, 5, 6)).toBe(false)
  expect(meets(membership, 5, 6, 7)).toBe(true)
  expect(meets(new Membership(7, configuration(member(7))), 5, 6)).toBe(false)
  expect(meets(new Membership(7, configuration(member(7))), 4, 5, 6)).toBe(true)
})

test('a zone that is away is not counted, and who is alone asks nobody', () => {
  const membership = new Membership(1, configuration(undefined, ['az2']))
  expect([meets(membership, 2, 5), meets(membership, 3, 5), meets(membership, 3, 4)]).toEqual([
    false,
    false,
    true,
  ])
  expect(meets(new Membership(0, configuration()))).toBe(true)
  expect(meets(new Membership(1, undefined))).toBe(true)
})
