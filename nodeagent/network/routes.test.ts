import { describe, expect, it } from 'vitest'
import { parseRange, printRange } from '../../lib/api/address-range.js'
import { parseRoutes, routeConflict } from './routes.js'

const table = `Iface	Destination	Gateway 	Flags	RefCnt	Use	Metric	Mask		MTU	Window	IRTT
eth0	00000000	0100A8C0	0003	0	0	0	00000000	0	0	0
eth0	0000A8C0	00000000	0001	0	0	0	00FFFFFF	0	0	0
eth0	0500000A	00000000	0005	0	0	0	FFFFFFFF	0	0	0
docker0	000011AC	00000000	0001	0	0	0	0000FFFF	0	0	0
mrbr1	00001EAC	00000000	0001	0	0	0	0000FFFF	0	0	0
`

describe('the routes of a machine', () => {
  const routes = parseRoutes(table)
  it('are read, but for the default', () => {
    expect(routes.map(({ device, range }) => `${device} ${printRange(range)}`)).toEqual([
      'eth0 192.168.0.0/24',
      'eth0 10.0.0.5/32',
      'docker0 172.17.0.0/16',
      'mrbr1 172.30.0.0/16',
    ])
    expect(parseRoutes('')).toEqual([])
  })

  it.each([
    ['172.30.0.0/16', 'mrbr1', undefined],
    ['172.30.1.0/24', 'mrbr2', "the node's range 172.30.1.0/24 overlaps with 172.30.0.0/16, which the machine reaches over mrbr1"],
    ['10.0.0.0/24', 'mrbr1', 'overlaps with 10.0.0.5/32, which the machine reaches over eth0'],
    ['172.18.0.0/16', 'mrbr1', undefined],
  ])('%s on %s: %s', (text, bridge, expected) => {
    const range = parseRange(text)
    const conflict = range && routeConflict(range, routes, bridge)
    expect(conflict).toEqual(expected === undefined ? undefined : expect.stringContaining(expected))
  })
})
