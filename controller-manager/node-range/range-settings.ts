import { FlagError, type FlagValue } from '../../lib/base/flags.js'
import { type RangePool, readPools } from './range-pools.js'

const defaultRanges = ['172.30.0.0/16']
/** 253 workloads on each of 256 nodes. */
const defaultMasks = ['24']

/** Without flags. */
export const defaultPools = readPools(defaultRanges, defaultMasks)

/** Where nodes get their ranges, on the command line. */
export const rangeSettings = {
  flags: {
    'cluster-cidr': {
      type: 'list',
      value: 'RANGE,…',
      default: defaultRanges,
      description: 'the ranges of addresses that nodes get theirs out of, in this order',
    },
    'node-cidr-mask-size': {
      type: 'list',
      value: 'BITS,…',
      default: defaultMasks,
      description: 'the prefix length of the ranges of nodes, one for each range of --cluster-cidr, or one for all',
    },
  },
  read(values: Readonly<Record<string, FlagValue | undefined>>): RangePool[] {
    try {
      return readPools(values['cluster-cidr'] as string[], values['node-cidr-mask-size'] as string[])
    } catch (error) {
      throw new FlagError((error as Error).message, { cause: error })
    }
  },
} as const
