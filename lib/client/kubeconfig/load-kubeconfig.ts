/**
 * Finds, reads and merges kubeconfigs and resolves one context of them:
 *
 *     const { config, contextName } = await loadKubeconfig({ env, home })
 *
 * It looks at `--kubeconfig` alone when that is given; else at the files of KUBECONFIG, merged; else at ~/.kube/config when that names a
 * context to use; else at the default cluster's own kubeconfig. File names inside a kubeconfig count from its own directory.
 */
import { readFileSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { type Kubeconfig, KubeconfigError } from './kubeconfig.js'
import { type KubeconfigPlaces, locateKubeconfig } from './locate-kubeconfig.js'
import { mergeKubeconfigs } from './merge-kubeconfigs.js'
import { parseKubeconfig } from './parse-kubeconfig.js'
import { type ContextChoice, type ResolvedContext, resolveContext } from './resolve-context.js'

export interface LoadKubeconfigOptions extends KubeconfigPlaces, ContextChoice {}

export interface LoadedKubeconfig extends ResolvedContext {
  /** The files that were read, in order. */
  readonly files: readonly string[]
}

/** Throws KubeconfigError when no usable context is found. */
export async function loadKubeconfig(options: LoadKubeconfigOptions): Promise<LoadedKubeconfig> {
  const { file, files, found } = await readKubeconfigs(options)
  const resolved = resolveContext(file, options)
  const { config, userName } = resolved
  const origin = config.token === undefined ? undefined : found.find(({ file }) => file.users?.some(({ name }) => name === userName))
  return { ...resolved, config: { ...config, ...(origin ? { tokenPlace: { file: origin.path, user: userName } } : {}) }, files }
}

interface FoundKubeconfig {
  readonly path: string
  readonly file: Kubeconfig
}

interface ReadKubeconfigs {
  /** What they say together. */
  readonly file: Kubeconfig
  readonly files: string[]
  readonly found: readonly FoundKubeconfig[]
}

/** The merged kubeconfig without a choice of context; for `config view` and the like. */
export async function readKubeconfigs(options: KubeconfigPlaces & Pick<ContextChoice, 'context'>): Promise<ReadKubeconfigs> {
  const { source, files } = locateKubeconfig(options)
  if (source === 'default') return readDefault(files, options.context)
  const found: FoundKubeconfig[] = []
  for (const path of files) {
    const file = await readKubeconfigFile(path)
    if (file) found.push({ path, file })
    else if (source === '--kubeconfig') throw new KubeconfigError(`the kubeconfig ${path} does not exist`)
  }
  if (found.length === 0) throw new KubeconfigError(`KUBECONFIG names ${files.join(', ')}, which does not exist`)
  return { file: mergeKubeconfigs(found.map(({ file }) => file)), files: found.map(({ path }) => path), found }
}

/** The first file that has a context to use. */
async function readDefault(files: readonly string[], context: string | undefined): Promise<ReadKubeconfigs> {
  for (const path of files) {
    const file = await readKubeconfigFile(path)
    if (!file) continue
    const usable = context === undefined ? Boolean(file['current-context']) : file.contexts?.some(({ name }) => name === context)
    if (usable) return { file, files: [path], found: [{ path, file }] }
  }
  const wanted = context === undefined ? '' : ` with a context ${context}`
  throw new KubeconfigError(
    `no kubeconfig${wanted} was found (looked at ${files.join(' and ')}): start a cluster with npm run up, or set KUBECONFIG`,
  )
}

/** One file, with the file names in it made absolute; undefined when it does not exist. */
export async function readKubeconfigFile(path: string): Promise<Kubeconfig | undefined> {
  let text: string
  try {
    text = readFileSync(path, 'utf8')
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined
    throw new KubeconfigError(`the kubeconfig ${path} cannot be read: ${code === 'EACCES' ? 'permission denied' : String(code)}`, {
      cause: error,
    })
  }
  const file = await parseKubeconfig(text, path)
  const directory = dirname(resolve(path))
  const absolute = (entry: Record<string, unknown>, field: string) => {
    const value = entry[field]
    if (typeof value === 'string' && value !== '') entry[field] = resolve(directory, value)
  }
  for (const { cluster } of file.clusters ?? []) absolute(cluster, 'certificate-authority')
  for (const { user } of file.users ?? []) for (const field of ['client-certificate', 'client-key', 'tokenFile']) absolute(user, field)
  return file
}
