import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { expect, it } from 'vitest'
import { chooseUsers, readNumbersOfMachine, type UserRange } from './workload-users.js'

const all = [{ first: 0, count: 2 ** 32 - 1 }]
const choose = (taken: readonly UserRange[], mapped: readonly UserRange[] = all, identity = 'agent') =>
  chooseUsers(identity, { taken, mapped: [mapped, mapped] })
const usual = choose([])
const [lowest, end] = [2_013_265_920, 2_144_337_920]

it('are two halves of a block that no default of useradd, systemd or a directory reaches', () => {
  for (const identity of ['agent', 'other', '', 'f'.repeat(100)]) {
    const users = choose([], all, identity)
    expect(users?.attempts).toEqual({ first: expect.any(Number), count: 65_536 })
    expect(users?.machines).toEqual({ first: (users?.attempts.first ?? 0) + 65_536, count: 65_536 })
    expect(users?.attempts.first).toBeGreaterThanOrEqual(lowest)
    expect((users?.machines.first ?? 0) + 65_536).toBeLessThanOrEqual(end)
  }
})

it('are the same for an agent at each start, and others for another agent', () => {
  expect(choose([])).toEqual(usual)
  expect(choose([], all, 'other')).not.toEqual(usual)
})

const first = usual?.attempts.first ?? 0
it.each<[string, UserRange]>([
  ['one number of it', { first: first + 7, count: 1 }],
  ['its last number', { first: first + 131_071, count: 65_536 }],
  ['all of it and more', { first: first - 1_000, count: 1_000_000 }],
])('lie elsewhere when somebody has %s', (_says, taken) => {
  const users = choose([taken])
  expect(users?.attempts.first).not.toBe(first)
  expect(taken.first + taken.count <= (users?.attempts.first ?? 0) || taken.first >= (users?.machines.first ?? 0) + 65_536).toBe(true)
})

it.each<[string, UserRange[], UserRange[], number | undefined]>([
  [
    'stay where only neighbours are taken',
    [
      { first: first - 5, count: 5 },
      { first: first + 131_072, count: 9 },
    ],
    all,
    first,
  ],
  ['are the highest there are, where a user namespace has no such numbers', [], [{ first: 0, count: 1_000_000_000 }], 999_868_928],
  ['are below those of a nested namespace', [{ first: 999_999_999, count: 1 }], [{ first: 0, count: 1_000_000_000 }], 999_737_856],
  ['are none in a user namespace of 65536', [], [{ first: 0, count: 65_536 }], undefined],
  ['are none where all are taken', all, all, undefined],
  ['are none where the machine does not say which there are', [], [], undefined],
])('%s', (_says, taken, mapped, expected) => {
  expect(choose(taken, mapped)?.attempts.first).toBe(expected)
})

it('are those of users and of groups at once', () => {
  const [users, groups] = [[{ first: 0, count: 1_000_000 }], [{ first: 0, count: 900_000 }]]
  expect(chooseUsers('agent', { taken: [], mapped: [users, groups] })?.machines.first).toBeLessThan(900_000 - 65_536)
})

it('what is taken and what there is is read from the files of the machine', async () => {
  const folder = `${await mkdtemp(path.join(tmpdir(), 'mr-numbers-'))}/`
  await mkdir(`${folder}etc`)
  await mkdir(`${folder}proc/self`, { recursive: true })
  const lines = {
    'etc/subuid': 'ann:100000:65536\nbroken\ncarl:x:65536\n1000:165536:65536\n',
    'etc/passwd': 'root:x:0:0:root:/root:/bin/bash\n\n+::::::\nann:x:1000:1001::/home/ann:/bin/sh\n',
    'etc/group': 'staff:x:50:ann\n',
    'proc/self/uid_map': '         0          0 4294967295\n',
    'proc/self/gid_map': '         0     100000      65536\n     65536    1000000       1000\n',
  }
  for (const [file, text] of Object.entries(lines)) await writeFile(`${folder}${file}`, text)
  expect(await readNumbersOfMachine(folder)).toEqual({
    taken: [
      { first: 100_000, count: 65_536 },
      { first: 165_536, count: 65_536 },
      { first: 0, count: 1 },
      { first: 1000, count: 1 },
      { first: 50, count: 1 },
    ],
    mapped: [
      [{ first: 0, count: 4_294_967_295 }],
      [
        { first: 0, count: 65_536 },
        { first: 65_536, count: 1000 },
      ],
    ],
  })
  await rm(folder, { recursive: true })
})
