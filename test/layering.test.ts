/** The arrows between the folders: who may import whom. Any other import fails. */
import { readdirSync, readFileSync } from 'node:fs'
import { builtinModules } from 'node:module'
import path from 'node:path'
import { describe, expect, it } from 'vitest'

const root = path.resolve(import.meta.dirname, '..')
const libraries = ['lib/base', 'lib/api', 'lib/stream', 'lib/client', 'lib/controller', 'lib/testing'] as const
const withoutTesting = ['lib/base', 'lib/api', 'lib/stream', 'lib/client', 'lib/controller']

/** folder → folders that it may import. Its own is always allowed. */
const mayImport: Record<string, readonly string[]> = {
  'lib/base': [],
  'lib/api': ['lib/base'],
  'lib/stream': ['lib/base'],
  'lib/client': ['lib/api', 'lib/base', 'lib/stream'],
  'lib/controller': ['lib/client', 'lib/api', 'lib/base'],
  'lib/testing': [...withoutTesting, 'apiserver'],
  apiserver: ['lib/api', 'lib/base', 'lib/stream'],
  scheduler: withoutTesting,
  'controller-manager': withoutTesting,
  nodeagent: withoutTesting,
  gateway: withoutTesting,
  'kubectl-lite': ['lib/client', 'lib/api', 'lib/base', 'lib/stream'],
  launcher: ['lib/base', 'lib/client'],
}

/** package → the only folder that may import it. */
const onlyHome: Record<string, readonly string[]> = {
  ajv: ['lib/api'],
  'ajv-formats': ['lib/api'],
  '@marcbachmann/cel-js': ['lib/api'],
  ws: ['lib/stream', 'apiserver/http'],
  eventsource: ['lib/client'],
  express: ['apiserver'],
  '@trpc/server': ['apiserver'],
  sequelize: ['apiserver/storage'],
  sqlite3: ['apiserver/storage'],
  umzug: ['apiserver/storage'],
  dockerode: ['nodeagent/backends/docker'],
  'spdy-transport': ['lib/stream'],
  tar: ['kubectl-lite', 'nodeagent/backends/docker'],
  ssh2: ['gateway', 'nodeagent/backends/qemu'],
  'proxy-protocol-js': ['lib/stream'],
  'ipaddr.js': ['lib/api'],
}

const programs = Object.keys(mayImport)
const folderOf = (file: string) => programs.find((folder) => file.startsWith(`${folder}/`))

interface Import {
  readonly file: string
  readonly specifier: string
  readonly typeOnly: boolean
}

function sourceFiles(folder: string): string[] {
  return readdirSync(path.join(root, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && /\.(ts|js|mjs)$/.test(entry.name))
    .map((entry) => path.relative(root, path.join(entry.parentPath, entry.name)))
}

function importsOf(file: string): Import[] {
  const text = readFileSync(path.join(root, file), 'utf8')
  const statement = /^\s*(?:import|export)\s+(type\s+)?(?:[\w*{}\s,$]+?\s+from\s+)?['"]([^'"\n]+)['"]/gm
  const dynamic = /\bimport\(\s*['"]([^'"\n]+)['"]\s*\)/g
  return [
    ...[...text.matchAll(statement)].map((match) => ({ file, specifier: match[2] ?? '', typeOnly: match[1] !== undefined })),
    ...[...text.matchAll(dynamic)].map((match) => ({ file, specifier: match[1] ?? '', typeOnly: false })),
  ]
}

const isTest = (file: string) => /\.(test|contract|bench)\.ts$/.test(file) || file.includes('/testing/') || file.includes('/fixtures/')

const imports = programs.flatMap((folder) => sourceFiles(folder)).flatMap(importsOf)

describe('the arrows between the folders', () => {
  it('finds imports to look at', () => {
    expect(imports.length).toBeGreaterThan(100)
  })

  it('each folder imports only the folders it may', () => {
    const wrong = imports
      .filter(({ specifier }) => specifier.startsWith('.'))
      .map((entry) => ({
        ...entry,
        from: folderOf(entry.file),
        to: folderOf(path.relative(root, path.resolve(root, path.dirname(entry.file), entry.specifier))),
      }))
      .filter(({ file, from, to, typeOnly, specifier }) => {
        if (from === undefined || to === undefined || from === to) return false
        if (isTest(file) && to === 'lib/testing') return false
        if (isTest(file) && from === 'launcher') return false
        if (from === 'kubectl-lite' && to === 'apiserver' && typeOnly && specifier.includes('/trpc/')) return false
        return !mayImport[from]?.includes(to)
      })
      .map(({ file, specifier }) => `${file} imports ${specifier}`)
    expect(wrong).toEqual([])
  })

  it('each package is imported only in its home', () => {
    const wrong = imports
      .filter(({ specifier, file }) => !specifier.startsWith('.') && !isTest(file))
      .filter(({ specifier, file }) => {
        const name = specifier
          .split('/')
          .slice(0, specifier.startsWith('@') ? 2 : 1)
          .join('/')
        const homes = onlyHome[name]
        return homes !== undefined && !homes.some((home) => file.startsWith(`${home}/`))
      })
      .map(({ file, specifier }) => `${file} imports ${specifier}`)
    expect(wrong).toEqual([])
  })

  it('every imported package is declared in package.json', () => {
    const manifest = JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8')) as Record<string, Record<string, string> | undefined>
    const declared = new Set(
      ['dependencies', 'optionalDependencies', 'devDependencies'].flatMap((field) => Object.keys(manifest[field] ?? {})),
    )
    const builtin = new Set(builtinModules)
    const wrong = imports
      .filter(
        ({ specifier }) =>
          !specifier.startsWith('.') && !specifier.startsWith('node:') && !specifier.startsWith('millrace/') && !builtin.has(specifier),
      )
      .filter(
        ({ specifier }) =>
          !declared.has(
            specifier
              .split('/')
              .slice(0, specifier.startsWith('@') ? 2 : 1)
              .join('/'),
          ),
      )
      .map(({ file, specifier }) => `${file} imports ${specifier}`)
    expect(wrong).toEqual([])
  })

  it('only main.ts reads the command line and the environment', () => {
    // Whether a module is the program is a question about the command line.
    const asks = 'lib/controller/is-main.ts'
    const wrong = programs
      .flatMap((folder) => sourceFiles(folder))
      .filter((file) => !isTest(file) && !file.endsWith('/main.ts') && !file.endsWith('.mjs') && file !== asks)
      .filter((file) => /process\.(argv|env)\b/.test(readFileSync(path.join(root, file), 'utf8').replace(/^\s*(\*|\/\/).*$/gm, '')))
    expect(wrong).toEqual([])
  })
})

describe('the examples', () => {
  const files = sourceFiles('examples')

  it('import what the package exports, and nothing else of ours', () => {
    const { exports } = JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8')) as { exports: Record<string, unknown> }
    const exported = new Set(Object.keys(exports).map((name) => name.replace('.', 'millrace')))
    const wrong = files
      .flatMap(importsOf)
      .filter(({ file, specifier }) =>
        specifier.startsWith('.')
          ? path.dirname(path.join(file, '..', specifier)) !== path.dirname(file)
          : specifier.startsWith('millrace') && !exported.has(specifier),
      )
      .map(({ file, specifier }) => `${file} imports ${specifier}`)
    expect(wrong).toEqual([])
  })

  it('are lessons, each with a controller, a manifest and a test of its own', () => {
    const lessons = readdirSync(path.join(root, 'examples')).filter((name) => /^\d\d-/.test(name))
    expect(lessons.length).toBeGreaterThanOrEqual(6)
    for (const lesson of lessons)
      expect(
        readdirSync(path.join(root, 'examples', lesson))
          .map((name) => name.slice(name.indexOf('.')))
          .sort(),
        lesson,
      ).toEqual(expect.arrayContaining([expect.stringMatching(/^\.[jt]s$/), expect.stringMatching(/^\.test\.[jt]s$/), '.yaml']))
  })
})

describe('the libraries', () => {
  it('are the folders of lib', () => {
    const folders = readdirSync(path.join(root, 'lib'), { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map((entry) => `lib/${entry.name}`)
    expect(folders.sort()).toEqual([...libraries].sort())
  })
})
