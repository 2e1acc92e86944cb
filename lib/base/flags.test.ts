import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { FlagError, parseFlags } from './flags.js'

const directory = mkdtempSync(path.join(tmpdir(), 'millrace-flags-'))
afterAll(() => rmSync(directory, { recursive: true }))
const table = {
  program: 'millrace-x',
  summary: 'does x',
  flags: {
    port: { type: 'integer', description: 'the port', default: 6443 },
    name: { type: 'string', description: 'the name', required: true },
    backends: { type: 'list', description: 'the backends' },
    verbose: { type: 'boolean', description: 'more words', default: false },
  },
} as const
let files = 0
const configFile = (text: string) => {
  const file = path.join(directory, `config-${files++}.yaml`)
  writeFileSync(file, text)
  return file
}

describe('flags', () => {
  it('come from the command line, then the config file, then the default', () => {
    const config = configFile('port: 7000\nname: from-file\nbackends: [process, docker]\n')
    expect(parseFlags(table, ['--config', config, '--name', 'n1']).values).toEqual({
      port: 7000,
      name: 'n1',
      backends: ['process', 'docker'],
      verbose: false,
    })
    expect(parseFlags(table, ['--name=n', '--backends', 'a,b', '--backends', 'c', '--verbose']).values).toEqual({
      port: 6443,
      name: 'n',
      backends: ['a', 'b', 'c'],
      verbose: true,
    })
  })

  it.each([
    [[], /--name is needed/],
    [['--name', 'n', '--port', 'x'], /whole number/],
    [['--nope'], /--nope/],
    [['--name', 'n', 'word'], /unexpected "word"/],
    [['--config', configFile('nope: 1')], /names "nope"/],
    [['--config', '/does/not/exist'], /cannot read the config file/],
  ])('%j is refused in a sentence', (argv, message) => {
    expect(() => parseFlags(table, argv)).toThrow(FlagError)
    expect(() => parseFlags(table, argv)).toThrow(message)
  })

  it('prints a help that names every flag', () => {
    const { help } = parseFlags(table, ['--help'])
    for (const name of ['--port N', '--name TEXT', '--backends A,B', '--verbose', '(default 6443)', '--config FILE'])
      expect(help).toContain(name)
  })

  it('say how the program is called, where that is not its name', () => {
    const called = { ...table, program: 'npm run x', call: 'npm run x --' }
    expect(parseFlags(called, ['--help']).help).toMatch(/^npm run x: does x\n\nUsage: npm run x -- \[flags\]\n/)
    expect(() => parseFlags(called, ['--nope'])).toThrow('see npm run x -- --help')
  })
})
