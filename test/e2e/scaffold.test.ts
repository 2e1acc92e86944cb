/**
 * `create controller`, as a user has it: the project is written into an empty folder outside of the clone,
 * Millrace comes from the tarball of `npm pack` without any optional package, and all that the project's README
 * says is typed as it stands there, against a real API server.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Task } from '../../lib/api/kinds/task.js'
import { createClient } from '../../lib/client/create-client.js'
import { loadKubeconfig } from '../../lib/client/kubeconfig/load-kubeconfig.js'
import { eventually } from '../../lib/testing/eventually.js'
import { type ApiServer, startApiServer } from '../processes/api-server.js'
import { createOwner } from '../processes/owner.js'
import { type Ended, root, run } from './one-machine.js'

const owner = createOwner('scaffold')
const folderOf = (project: string) => path.join(owner.directory, project)
/**
 * The tools of a project's devDependencies, which are ours in the same versions: from
 * here, since without optional packages their binaries are missing.
 */
const tools = ['tsx', 'typescript', '@types/node']

let tarball: string
let packed: readonly string[]
let server: ApiServer

beforeAll(async () => {
  const starting = startApiServer(owner)
  // As it is built: other tests run what lies in dist/.
  const { out } = await done(run('npm', ['pack', '--ignore-scripts', '--json', '--pack-destination', owner.directory]))
  const [pack] = Object.values(JSON.parse(out)) as { filename: string; files: { path: string }[] }[]
  packed = pack?.files.map((file) => file.path) ?? []
  tarball = folderOf(pack?.filename ?? '')
  await create('my-pool')
  await install(folderOf('my-pool'))
  server = await starting
  // npm unpacks two hundred packages.
}, 600_000)
afterAll(async () => await owner.end())

/** A command line in a project's folder, with the commands of the build on the PATH. */
const shell = (line: string, project = ''): Promise<Ended> => run('bash', ['-c', line], envOf(), folderOf(project))
const envOf = () => ({
  ...process.env,
  HOME: folderOf('home'),
  KUBECONFIG: server?.kubeconfig ?? '',
  PATH: `${root}/dist/bin:${process.env.PATH}`,
})

async function done(running: Promise<Ended>): Promise<Ended> {
  const ended = await running
  expect(ended.code, `${ended.out}\n${ended.err}`).toBe(0)
  return ended
}

const create = (line: string) => done(shell(`kubectl-lite create controller ${line} --millrace ${tarball}`))

async function install(folder: string): Promise<void> {
  await done(run('npm', ['install', '--omit=dev', '--omit=optional', '--no-audit', '--no-fund', '--prefer-offline'], process.env, folder))
  linkTools(path.join(folder, 'node_modules'))
}

function linkTools(modules: string): void {
  for (const inside of ['@types', '.bin']) mkdirSync(path.join(modules, inside), { recursive: true })
  for (const tool of tools) {
    rmSync(path.join(modules, tool), { recursive: true, force: true })
    symlinkSync(path.join(root, 'node_modules', tool), path.join(modules, tool))
  }
  for (const [name, file] of [
    ['tsx', '../tsx/dist/cli.mjs'],
    ['tsc', '../typescript/bin/tsc'],
  ] as const) {
    rmSync(path.join(modules, '.bin', name), { force: true })
    symlinkSync(file, path.join(modules, '.bin', name))
  }
}

/** A project more, with what the first one has installed. */
async function createBeside(line: string): Promise<string> {
  await create(line)
  const [project = ''] = line.split(' ')
  symlinkSync('../my-pool/node_modules', path.join(folderOf(project), 'node_modules'))
  return project
}

/** No test at all would be no failure. */
async function passesItsTest(project: string): Promise<void> {
  expect((await done(shell('npm test', project))).out).toMatch(/pass 1\b/)
}

describe('the tarball', () => {
  it('has the programs, the library with its types, and the templates; and nothing else', () => {
    const places = new Set(
      packed.map((file) => /^dist\/lib\/|^dist\/|/.exec(file)?.[0] + (file.replace(/^dist\/(lib\/)?/, '').split('/')[0] ?? '')),
    )
    const programs = ['apiserver', 'controller-manager', 'gateway', 'kubectl-lite', 'nodeagent', 'scheduler'].map((name) => `dist/${name}`)
    const libraries = ['api', 'base', 'client', 'controller', 'stream', 'testing'].map((name) => `dist/lib/${name}`)
    expect([...places].sort()).toEqual(
      ['CHANGELOG.md', 'LICENSE', 'README.md', ...programs, ...libraries, 'manifests', 'package.json'].sort(),
    )
    expect(packed.filter((file) => /\/(fixtures|test)\/|\.map$|\.(test|contract|bench)\./.test(file))).toEqual([
      'dist/kubectl-lite/scaffold/templates/controller.test.ts',
    ])
  })

  it('has types that need no package beyond the dependencies', async () => {
    const folder = folderOf('types')
    mkdirSync(folder)
    symlinkSync('../my-pool/node_modules', path.join(folder, 'node_modules'))
    const entries = ['api', 'client', 'controller', 'testing']
    writeFileSync(path.join(folder, 'all.ts'), entries.map((entry) => `export * as ${entry} from 'millrace/${entry}'\n`).join(''))
    const options = '--ignoreConfig --strict --noEmit --skipLibCheck false --target es2023 --types node'
    for (const resolution of ['--module nodenext', '--module esnext --moduleResolution bundler'])
      expect(await done(shell(`node_modules/.bin/tsc ${options} ${resolution} all.ts`, 'types'))).toMatchObject({ out: '' })
  })

  it('installs without the optional packages', () => {
    expect(['sqlite3', 'dockerode'].filter((name) => existsSync(path.join(folderOf('my-pool'), 'node_modules', name)))).toEqual([])
    expect(readdirSync(path.join(folderOf('my-pool'), 'node_modules/millrace'))).toContain('dist')
  })
})

describe.each([
  ['TypeScript', 'my-pool', 'mypools', '.ts'],
  ['JavaScript', 'web-2', 'web2s', '.js'],
])('a project in %s, as generated', (_language, project, plural, extension) => {
  /** What the README says, line by line, without the remarks. */
  const lines = () =>
    [...readFileSync(path.join(folderOf(project), 'README.md'), 'utf8').matchAll(/```\n([\s\S]*?)```/g)].flatMap(([, block = '']) =>
      block
        .trim()
        .split('\n')
        .map((line) => line.replace(/ +#.*/, '')),
    )

  beforeAll(async () => {
    if (extension === '.js') await createBeside(`${project} --javascript`)
  })

  it('passes its own checks', async () => {
    if (extension === '.ts') await done(shell('npm run types', project))
    await passesItsTest(project)
  })

  it('does what its README says', async () => {
    expect(lines()).toEqual([
      'npm install',
      'npm test',
      `kubectl-lite create customresourcedefinition --for controller${extension}`,
      `kubectl-lite create serviceaccount ${project} --for controller${extension}`,
      `npm start -- --kubeconfig ${project}.kubeconfig`,
      'kubectl-lite apply -f manifest.yaml',
      `kubectl-lite get ${plural} -w`,
    ])
    const [, , define = '', account = '', start = '', apply = '', watch = ''] = lines()
    await done(shell(define, project))
    await done(shell(account, project))
    await using program = background(start, project)
    await done(shell(apply, project))

    const { config } = await loadKubeconfig({ env: {}, home: folderOf('home'), kubeconfig: server.kubeconfig })
    const client = createClient(config)
    try {
      const names = [`${project}-0`, `${project}-1`]
      for (const name of names) {
        const task = await eventually(() => client.of(Task).get({ name }), { timeoutMs: 90_000 })
        expect(task.metadata.ownerReferences?.[0]?.name).toBe(project)
        expect(task.metadata.managedFields?.map(({ manager }) => manager)).toEqual([project])
        // There is no node here.
        const status = {
          conditions: [{ type: 'Running', status: 'True', reason: 'Started', lastTransitionTime: new Date().toISOString() }],
        }
        await client.of(Task).mergePatch({ name }, { status }, { subresource: 'status' })
      }
      await done(shell(`kubectl-lite wait ${plural}/${project} --for=condition=Ready --timeout=90s`, project))
    } catch (error) {
      throw new Error(`the controller said:\n${program.said()}`, { cause: error })
    } finally {
      await client.close()
    }
    await using watching = background(watch, project)
    await eventually(() => /^NAME +SIZE +RUNNING/.test(watching.said()) && new RegExp(`^${project} +2 +2\\b`, 'm').test(watching.said()))
  })

  it('runs as an account of its own, that may do what the declaration says and no more', async () => {
    const as = `--kubeconfig ${project}.kubeconfig`
    expect((await done(shell(`kubectl-lite auth whoami ${as}`, project))).out).toContain(`system:serviceaccount:default:${project}`)
    expect((await shell(`kubectl-lite get secrets ${as}`, project)).code).toBe(5)
  })
})

describe('a project that takes Millrace from the clone, as without --millrace', () => {
  it('passes its own checks, and says what it needs', async () => {
    await done(shell('kubectl-lite create controller a'))
    const { dependencies } = JSON.parse(readFileSync(path.join(folderOf('a'), 'package.json'), 'utf8'))
    expect(dependencies).toEqual({ millrace: `file:${root}` })
    // As npm does it: a link.
    const modules = path.join(folderOf('a'), 'node_modules')
    linkTools(modules)
    symlinkSync(root, path.join(modules, 'millrace'))
    await Promise.all([done(shell('npm run types', 'a')), passesItsTest('a')])
    expect((await done(shell('npm start -- --print-rights', 'a'))).out).toContain('kind: ClusterRole')
  })
})

describe.each(['on', 'x'.repeat(59)])('a project of the name %s', (name) => {
  it('has the right types, and a definition and a manifest that the server takes', async () => {
    const project = await createBeside(name)
    await done(shell('npm run types', project))
    await done(shell('kubectl-lite create customresourcedefinition --for controller.ts', project))
    await done(shell('kubectl-lite apply -f manifest.yaml', project))
  })
})

interface Background extends AsyncDisposable {
  said(): string
}

/** A command line that goes on until Ctrl-C. */
function background(line: string, project: string): Background {
  const child = spawn('bash', ['-c', `exec ${line}`], {
    cwd: folderOf(project),
    env: envOf(),
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
  })
  let said = ''
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (text: string) => (said += text))
  const ended = once(child, 'close')
  return {
    said: () => said,
    [Symbol.asyncDispose]: async () => {
      // As a terminal does it: to all of the line's processes.
      if (child.pid !== undefined && child.exitCode === null) process.kill(-child.pid, 'SIGINT')
      await ended
    },
  }
}
