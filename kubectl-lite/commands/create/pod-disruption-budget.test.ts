import { afterAll, beforeAll, expect, it } from 'vitest'
import { type CommandLine, commandLine } from '../../fixtures/command-line.js'

let line: CommandLine
beforeAll(async () => {
  line = await commandLine()
})
afterAll(() => line[Symbol.asyncDispose]())

it.each([
  ['create pdb a --selector app=web --min-available 2', { minAvailable: 2, selector: { matchLabels: { app: 'web' } } }],
  [
    'create poddisruptionbudget b --selector tier --max-unavailable 25%',
    { maxUnavailable: '25%', selector: { matchExpressions: [{ key: 'tier', operator: 'Exists' }] } },
  ],
  [
    `create pdb c --min-available 50% --selector 'a=b,c in (d,e),!f,g!=h'`,
    {
      minAvailable: '50%',
      selector: {
        matchLabels: { a: 'b' },
        matchExpressions: [
          { key: 'c', operator: 'In', values: ['d', 'e'] },
          { key: 'f', operator: 'DoesNotExist' },
          { key: 'g', operator: 'NotIn', values: ['h'] },
        ],
      },
    },
  ],
])('%s', async (text, spec) => {
  const { code, out, err } = await line.run(`${text} -o json`)
  expect({ code, err }).toEqual({ code: 0, err: '' })
  expect(JSON.parse(out).spec).toEqual(spec)
})

it.each([
  ['create pdb x --selector a=b', 'one of the two'],
  ['create pdb x --selector a=b --min-available 1 --max-unavailable 1', 'one of the two'],
  ['create pdb x --min-available 1', '--selector'],
  ['create pdb x --selector a>1 --min-available 1', 'a> is nothing that a budget can select by'],
  ['create pdb x --selector a=b --min-available some', 'spec.minAvailable: Invalid value: "some"'],
])('%s is refused', async (text, why) => {
  const { code, err } = await line.run(text)
  expect(code).not.toBe(0)
  expect(err).toContain(why)
})

it('are shown with how many may be evicted, and described', async () => {
  const { out } = await line.run('get pdb a')
  expect(out).toMatch(/^NAME +MIN AVAILABLE +MAX UNAVAILABLE +ALLOWED DISRUPTIONS +AGE\na +2 +N\/A +0 +/)
  expect((await line.run('describe pdb a')).out).toMatch(/spec:\n {2}minAvailable: 2|minAvailable: 2/)
})
