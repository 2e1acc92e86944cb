import { describe, expect, it } from 'vitest'
import { FlagError } from '../lib/base/flags.js'
import { agentFlags } from './agent-flags.js'

describe('the command line', () => {
  it('has defaults for all but the data directory', () => {
    expect(agentFlags(['--data-dir', '/d'])).toMatchObject({
      dataDirectory: '/d',
      backends: ['docker'],
      dockerSocket: '/var/run/docker.sock',
      imageDirectory: undefined,
      qemuBinary: 'qemu-system-x86_64',
      imageRules: { networks: [], mostBytes: 64 * 2 ** 30 },
      cpuFactor: 4,
      capacity: { cpus: undefined, memoryBytes: undefined },
      maxWorkloads: 110,
      keepProcesses: false,
      purge: false,
      hollowNodes: 0,
      labels: {},
    })
  })
  it('is read', () => {
    const flags = agentFlags([
      ...['--data-dir', '/d', '--node-name', 'n7', '--server', 'https://10.0.0.1:6443/', '--backends', 'process,docker'],
      ...[
        '--docker-socket',
        'unix:///x.sock',
        '--cpu-factor',
        '1.5',
        '--cpus',
        '8',
        '--memory',
        '2Gi',
        '--labels',
        'a=b,c=d=e',
        '--hollow-nodes',
        '3',
        '--keep-processes',
        '--max-image-size',
        '2Gi',
        '--image-networks',
        '10.1.0.0/16,fd00::/8',
      ],
    ])
    expect(flags).toMatchObject({
      nodeName: 'n7',
      server: 'https://10.0.0.1:6443',
      backends: ['process', 'docker'],
      dockerSocket: '/x.sock',
      cpuFactor: 1.5,
      capacity: { cpus: 8, memoryBytes: 2 * 1024 ** 3 },
      labels: { a: 'b', c: 'd=e' },
      hollowNodes: 3,
      keepProcesses: true,
      imageRules: { networks: [{ text: '10.1.0.0/16' }, { text: 'fd00::/8' }], mostBytes: 2 * 2 ** 30 },
    })
  })
  it('asks for the removal of what an agent left', () => {
    expect(agentFlags(['--data-dir', '/d', 'purge'])).toMatchObject({ purge: true })
  })
  it('prints its help', () => {
    expect(agentFlags(['--help'])).toMatchObject({ help: expect.stringContaining('--join-token-file FILE') })
  })
  it.each([
    [['--data-dir', '/d', '--image-networks', '10.1'], '--image-networks takes networks such as 10.1.0.0/16, not 10.1'],
    [['--data-dir', '/d', '--max-image-size', 'much'], '--max-image-size takes an amount such as 64Gi, not much'],
    [[], '--data-dir is needed'],
    [['--data-dir', '/d', '--backends', 'podman'], 'there is no backend "podman"; there are process, docker, qemu'],
    [['--data-dir', '/d', '--server', 'http://x'], '--server takes an address such as'],
    [['--data-dir', '/d', '--cpu-factor', '0'], '--cpu-factor takes a number'],
    [['--data-dir', '/d', '--cpus', '0'], '--cpus takes a number'],
    [['--data-dir', '/d', '--memory', 'much'], '--memory takes an amount'],
    [['--data-dir', '/d', '--labels', 'x'], '--labels takes KEY=VALUE'],
    [['--data-dir', '/d', '--log-level', 'loud'], '--log-level takes one of'],
    [['--data-dir', '/d', '--hollow-nodes=-1'], 'are counts'],
    [['--data-dir', '/d', 'purge', 'all'], 'unexpected "purge all"'],
  ])('%j is refused: %s', (argv, message) => {
    expect(() => agentFlags(argv)).toThrow(FlagError)
    expect(() => agentFlags(argv)).toThrow(message)
  })
})
