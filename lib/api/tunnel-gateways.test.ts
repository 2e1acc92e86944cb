import { expect, it } from 'vitest'
import { sumOfGateways, type TunnelGateway, withGateway } from './tunnel-gateways.js'

const gateway = (name: string, failure?: string, target = 'TargetRunning'): TunnelGateway => ({
  name,
  ...(failure ? {} : { endpoint: `${name}:31000` }),
  conditions: [
    {
      type: 'Listening',
      status: failure ? 'False' : 'True',
      reason: failure ?? 'Listening',
      message: failure ? 'it is taken' : 'it listens',
    },
    { type: 'TargetReady', status: target === 'TargetRunning' ? 'True' : 'False', reason: target, message: `${name}: ${target}` },
  ],
})

it.each([
  ['none', [], undefined, [false, 'NoGateway', 'no gateway serves it; is one running?'], [false, 'NoGateway']],
  ['one', [gateway('a')], 'a:31000', [true, 'Listening', 'clients connect to a:31000'], [true, 'TargetRunning']],
  ['one that does not listen', [gateway('a', 'PortTaken')], undefined, [false, 'PortTaken', 'it is taken'], [true, 'TargetRunning']],
  [
    'two',
    [gateway('a', undefined, 'NodeNotConnected'), gateway('b')],
    'a:31000',
    [true, 'Listening', 'clients connect to a:31000 and b:31000'],
    [true, 'TargetRunning'],
  ],
  [
    'two, one of which does not listen',
    [gateway('a', 'PortTaken'), gateway('b')],
    'b:31000',
    [true, 'Listening', 'clients connect to b:31000; gateway a does not listen: it is taken'],
    [true, 'TargetRunning'],
  ],
  [
    'two, none of which does anything',
    [gateway('a', 'PortTaken', 'TargetNotFound'), gateway('b', 'PortForbidden', 'TargetNotFound')],
    undefined,
    [false, 'PortTaken', 'it is taken'],
    [false, 'TargetNotFound'],
  ],
] as const)('a Tunnel of %s', (_case, gateways, endpoint, [isListening, ...why], [isReady, reason]) => {
  expect(sumOfGateways(gateways)).toMatchObject({
    endpoint,
    listening: { holds: isListening, reason: why[0], message: why[1] },
    targetReady: { holds: isReady, reason },
  })
})

it('a gateway has one entry, in the order of names', () => {
  const entries = withGateway(withGateway([gateway('b')], gateway('a')), gateway('b', 'PortTaken'))
  expect(entries).toEqual([gateway('a'), gateway('b', 'PortTaken')])
})
