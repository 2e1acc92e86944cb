import { delimiter, join } from 'node:path'

/** What decides where kubeconfigs are looked for. */
export interface KubeconfigPlaces {
  readonly env: Readonly<Record<string, string | undefined>>
  /** The user's home directory. */
  readonly home: string
  /** `--kubeconfig`: this file and no other. */
  readonly kubeconfig?: string | undefined
}

export interface KubeconfigCandidates {
  /** Who named them; for messages. */
  readonly source: '--kubeconfig' | 'KUBECONFIG' | 'default'
  /** Files that are merged, the first wins; absent ones are skipped where the source is KUBECONFIG. */
  readonly files: readonly string[]
}

/**
 * Where to look: `--kubeconfig` alone; else the files of KUBECONFIG, merged; else ~/.kube/config when it names a context to use, else the
 * default cluster's own kubeconfig.
 */
export function locateKubeconfig(places: KubeconfigPlaces): KubeconfigCandidates {
  if (places.kubeconfig) return { source: '--kubeconfig', files: [places.kubeconfig] }
  const listed = (places.env.KUBECONFIG ?? '').split(delimiter).filter((file) => file !== '')
  if (listed.length > 0) return { source: 'KUBECONFIG', files: listed }
  return { source: 'default', files: [homeKubeconfig(places.home), defaultClusterKubeconfig(places)] }
}

/** ~/.kube/config */
export function homeKubeconfig(home: string): string {
  return join(home, '.kube', 'config')
}

/** The admin kubeconfig of the cluster that `npm run up` starts when no directory is named. */
export function defaultClusterKubeconfig({ env, home }: Pick<KubeconfigPlaces, 'env' | 'home'>): string {
  return join(env.XDG_DATA_HOME || join(home, '.local', 'share'), 'millrace', 'default', 'admin.kubeconfig')
}
