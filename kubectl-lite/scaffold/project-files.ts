/**
 * The files of a new project. The templates are such a project themselves, whose words are replaced by those of the new one: what the
 * compiler and the tests see is what users get.
 */
import { readFile } from 'node:fs/promises'
import type { ProjectNames } from './project-names.js'

export interface ProjectOptions {
  readonly names: ProjectNames
  /** Plain JavaScript; else TypeScript. */
  readonly javascript: boolean
  /** Where npm finds Millrace: a version, or `file:PATH`. */
  readonly millrace: string
}

/** File name → its text. */
export async function projectFiles({ names, javascript, millrace }: ProjectOptions): Promise<Map<string, string>> {
  const extension = javascript ? 'js' : 'ts'
  const files = new Map([
    ['package.json', `${JSON.stringify(packageOf(names.name, javascript, millrace), null, 2)}\n`],
    ['.gitignore', 'node_modules/\n*.kubeconfig\n'],
  ])
  for (const template of ['README.md', 'controller.ts', 'controller.test.ts', 'manifest.yaml', ...(javascript ? [] : ['tsconfig.json'])]) {
    const text = await readFile(new URL(`templates/${template}`, import.meta.url), 'utf8')
    const written = replaceWords(text, names, template.endsWith('.yaml'))
    files.set(template.replace(/\.ts$/, `.${extension}`), javascript && template === 'README.md' ? inJavaScript(written) : written)
  }
  return files
}

function packageOf(name: string, javascript: boolean, millrace: string): object {
  return {
    name,
    private: true,
    type: 'module',
    scripts: javascript
      ? { start: 'node controller.js', test: 'node --test' }
      : { start: 'tsx controller.ts', test: 'tsx --test *.test.ts', types: 'tsc' },
    dependencies: { millrace },
    ...(javascript ? {} : { devDependencies }),
  }
}

/** As in Millrace's own package.json; a test compares the two. */
const devDependencies = { '@types/node': '^20.19.43', tsx: '^4.23.15', typescript: '^7.0.2' }

/** All at once, so that no replacement is replaced again. */
function replaceWords(text: string, { name, constant, kind, plural, group }: ProjectNames, yaml: boolean): string {
  const words: Record<string, string> = { 'my-pool': name, myPoolController: constant, MyPool: kind, mypools: plural, 'example.com': group }
  return text.replaceAll(/my-pool|myPoolController|MyPool|mypools|example\.com/g, (word) => {
    const replacement = words[word] ?? word
    return yaml && isWordOfYaml(replacement) ? JSON.stringify(replacement) : replacement
  })
}

/** Plain, some reader of YAML would not take it for a text. */
const isWordOfYaml = (word: string) => /^(y|n|yes|no|on|off|true|false|null)$/i.test(word)

function inJavaScript(readme: string): string {
  return readme.replaceAll(/controller(\.test)?\.ts/g, 'controller$1.js').replace(/ +# npm run types .*/, '')
}
