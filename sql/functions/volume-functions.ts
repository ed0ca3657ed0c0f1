// Functions about the volume: members and spares in schema borealis, and Aurora's functions under Aurora's names in
// pg_catalog (Amazon's documentation, "Aurora PostgreSQL functions reference" and "Testing with fault injection
// queries"). What they do is a service of the session (VolumeServices).

import type { TimelineId } from '../../storage/base/ids.ts'
import type { TimelineSize } from '../../storage/message/message.ts'
import type { SegmentStatus } from '../../storage/volume/volume.ts'
import type { FunctionContext, ScalarFunction, SetFunction } from './function.ts'
import { BOOL_OID, FLOAT8_OID, INT4_OID, RECORD_OID, TEXT_OID, VOID_OID } from '../types/oids.ts'
import type { Row, Value } from '../types/value.ts'

/** Share of a disk's work that a fault hits, where, and for how long. */
export interface DiskFault {
  readonly percentage: number
  /** From 0; of a node, or with `isDisk` of a segment, of which each node has as many as there are groups. */
  readonly index: number
  readonly isDisk: boolean
  readonly durationMs: number
}

/** What the session does for these functions. All but the figures need a superuser; all may suspend. */
export interface VolumeServices {
  readonly version: string
  /** Number of segments and of nodes of the volume. */
  figures(): { readonly segments: number; readonly nodes: number }
  /** Every segment, asked of the nodes. */
  segments(): readonly SegmentStatus[]
  /** What timelines take on disk, asked of one node; undefined when none answers. */
  timelineSizes(timelines: readonly TimelineId[]): readonly TimelineSize[] | undefined
  /** Begins to replace a node by the one at an address. */
  replaceNode(node: number, address: string): void
  addSpare(address: string): void
  setZoneAway(zone: string, isAway: boolean): void
  /** Ends the server's process as kill -9 does. */
  injectCrash(kind: string): void
  injectDiskFailure(fault: DiskFault): void
  injectDiskCongestion(fault: DiskFault, delayMsMin: number, delayMsMax: number): void
}

declare module './function.ts' {
  interface SessionServices {
    readonly volume: VolumeServices
  }
}

interface Facts {
  readonly oid: number
  readonly name: string
  readonly arguments: readonly (readonly [name: string, type: number])[]
}

function common({ oid, name, arguments: args }: Facts) {
  return {
    oid,
    name,
    argumentTypes: args.map(([, type]) => type),
    argumentNames: args.map(([argument]) => argument),
    variadicType: 0,
    defaults: [],
    strict: true,
    volatility: 'volatile',
    usesContext: true,
  } as const
}

type Call = (context: FunctionContext, ...args: never[]) => Value

function scalar(facts: Facts, returnType: number, call: Call): ScalarFunction {
  return { kind: 'scalar', ...common(facts), returnType, call }
}

/** A function that only does something: returns void. */
function action(facts: Facts, act: (services: VolumeServices, ...args: never[]) => void): ScalarFunction {
  return scalar(facts, VOID_OID, ({ services }, ...args) => {
    act(services.volume, ...args)
    return ''
  })
}

/** One that makes something fail: true once it does. */
function injection(facts: Facts, act: (services: VolumeServices, ...args: never[]) => void): ScalarFunction {
  return scalar(facts, BOOL_OID, ({ services }, ...args) => {
    act(services.volume, ...args)
    return true
  })
}

const replaceNode = action(
  {
    oid: 15200,
    name: 'replace_node',
    arguments: [
      ['node', INT4_OID],
      ['address', TEXT_OID],
    ],
  },
  (services, node: number, address: string) => services.replaceNode(node, address),
)

const addSpare = action(
  { oid: 15201, name: 'add_spare', arguments: [['address', TEXT_OID]] },
  (services, address: string) => services.addSpare(address),
)

const setZoneAway = action(
  {
    oid: 15202,
    name: 'set_zone_away',
    arguments: [
      ['zone', TEXT_OID],
      ['away', BOOL_OID],
    ],
  },
  (services, zone: string, away: boolean) => services.setZoneAway(zone, away),
)

const auroraVersion: ScalarFunction = {
  ...scalar({ oid: 15210, name: 'aurora_version', arguments: [] }, TEXT_OID, ({ services }) => {
    return services.volume.version
  }),
  volatility: 'stable',
}

const showVolumeStatus: SetFunction = {
  kind: 'set',
  ...common({ oid: 15211, name: 'aurora_show_volume_status', arguments: [] }),
  returnType: RECORD_OID,
  columns: [
    { name: 'disks', type: INT4_OID },
    { name: 'nodes', type: INT4_OID },
  ],
  call: (({ services }: FunctionContext): Iterable<Row> => {
    const { segments, nodes } = services.volume.figures()
    return [[segments, nodes]]
  }) as SetFunction['call'],
}

const injectCrash = injection(
  { oid: 15212, name: 'aurora_inject_crash', arguments: [['crash_type', TEXT_OID]] },
  (services, kind: string) => services.injectCrash(kind),
)

const DISK_ARGUMENTS = [
  ['percentage_of_failure', INT4_OID],
  ['index', INT4_OID],
  ['is_disk', BOOL_OID],
  ['time_interval', FLOAT8_OID],
] as const

function diskFault(percentage: number, index: number, isDisk: boolean, seconds: number): DiskFault {
  return { percentage, index, isDisk, durationMs: seconds * 1000 }
}

const injectDiskFailure = injection(
  { oid: 15213, name: 'aurora_inject_disk_failure', arguments: DISK_ARGUMENTS },
  (services, ...[percentage, index, isDisk, seconds]: [number, number, boolean, number]) =>
    services.injectDiskFailure(diskFault(percentage, index, isDisk, seconds)),
)

const injectDiskCongestion = injection(
  {
    oid: 15214,
    name: 'aurora_inject_disk_congestion',
    arguments: [...DISK_ARGUMENTS, ['minimum', FLOAT8_OID], ['maximum', FLOAT8_OID]],
  },
  (services, ...args: [number, number, boolean, number, number, number]) => {
    const [percentage, index, isDisk, seconds, minimum, maximum] = args
    services.injectDiskCongestion(diskFault(percentage, index, isDisk, seconds), minimum, maximum)
  },
)

/** Of schema borealis. */
export const VOLUME_FUNCTIONS: readonly ScalarFunction[] = [replaceNode, addSpare, setZoneAway]

/** Of pg_catalog. */
export const AURORA_FUNCTIONS: readonly (ScalarFunction | SetFunction)[] = [
  auroraVersion,
  showVolumeStatus,
  injectCrash,
  injectDiskFailure,
  injectDiskCongestion,
]
