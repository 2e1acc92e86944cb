/**
 * docs/reference/flags.md is what the programs say of themselves; the guide of kubectl-lite names all its commands.
 * `npx vitest run test/docs -u` writes it anew.
 */
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { expect, it } from 'vitest'

const root = path.resolve(import.meta.dirname, '../..')
const helpOf = (program: string, ...args: string[]) =>
  execFileSync(process.execPath, ['--import', 'tsx', path.join(root, program, 'main.ts'), ...args, '--help'], {
    encoding: 'utf8',
    cwd: root,
  })

it('every flag of every program is in the reference', async () => {
  const pages = ['apiserver', 'scheduler', 'controller-manager', 'nodeagent', 'gateway'].map(
    (program) => `## millrace-${program}\n\n\`\`\`\n${helpOf(program).trim()}\n\`\`\`\n`,
  )
  const page = `# Flags of the programs\n\nEach is also a key of the YAML file that \`--config\` names; the command line wins.\n\n${pages.join('\n')}`
  await expect(page).toMatchFileSnapshot(path.join(root, 'docs/reference/flags.md'))
})

it('the guide names every command of kubectl-lite', () => {
  const guide = readFileSync(path.join(root, 'docs/guides/kubectl-lite.md'), 'utf8')
  const commands = [...helpOf('kubectl-lite').matchAll(/^ {2}([a-z][a-z-]+)\b/gm)]
    .map((match) => match[1] ?? '')
    .filter((command) => command !== 'help')
  expect(commands.length).toBeGreaterThan(20)
  expect(commands.filter((command) => !new RegExp(`\\b${command}\\b`).test(guide))).toEqual([])
})
