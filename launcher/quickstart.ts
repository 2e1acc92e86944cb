/** `quickstart`: a cluster, the first manifests, and a Task seen from Pending to Succeeded. Safe to run again. */
import { existsSync } from 'node:fs'
import path from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { runInSight, runToEnd } from './command.js'
import { LaunchError } from './launch-error.js'
import { type UpOptions, up } from './up.js'
import { watchTask } from './watch-task.js'

export interface QuickstartOptions extends UpOptions {
  /** The folder that holds manifests/. */
  readonly root: string
  /** Whether the directory is the default one, which kubectl-lite finds without KUBECONFIG. */
  readonly isDefaultDirectory: boolean
}

const hello = 'manifests/01-hello.yaml'
/** What the process backend alone can run. */
const firstManifests = [hello, 'manifests/02-settings.yaml', 'manifests/03-restarts.yaml']
const goalWithinMs = 60_000

export async function quickstart(options: QuickstartOptions): Promise<void> {
  const { commands, root, say } = options
  const missing = firstManifests.find((file) => !existsSync(path.join(root, file)))
  if (missing !== undefined) throw new LaunchError(`${missing} is missing from ${root}. Run quickstart in a complete copy of Millrace.`)
  const cluster = await up(options)
  const kubeconfig = ['--kubeconfig', cluster.kubeconfig]
  say(`The cluster is ready on port ${cluster.record.port}, and runs Tasks with ${cluster.record.backends.join(' and ')}.\n`)
  const show = async (...args: string[]): Promise<void> => {
    say(`$ kubectl-lite ${args.join(' ')}`)
    const code = await runInSight(commands, 'kubectl-lite', [...kubeconfig, ...args], root)
    if (code !== 0) throw new LaunchError(`kubectl-lite ${args.join(' ')} ended with code ${code}; what it says stands above.`)
    say('')
  }
  // From the start each time: a Task that has ended stays ended.
  await runToEnd(commands, 'kubectl-lite', [...kubeconfig, 'delete', '-f', hello, '--ignore-not-found'], root)
  await showRun(options, kubeconfig, show)
  await show('logs', 'hello')
  await show('describe', 'task', 'hello')
  await show('apply', ...firstManifests.slice(1).flatMap((file) => ['-f', file]))
  say(farewell(options, cluster.kubeconfig))
}

/** Applies the first Task while a watch shows what becomes of it. */
async function showRun(
  { commands, root, say }: QuickstartOptions,
  kubeconfig: readonly string[],
  show: (...args: string[]) => Promise<void>,
): Promise<void> {
  const watchArgs = ['get', 'tasks', '--field-selector', 'metadata.name=hello', '--watch']
  // What the watch shows is held back until the heading stands above it.
  let held: string[] | undefined = []
  const shown = new AbortController()
  const print = (text: string): void => void process.stdout.write(text)
  const watch = watchTask(commands, [...kubeconfig, ...watchArgs], root, (text) => (held ? void held.push(text) : print(text)))
  try {
    await watch.standing
    await show('apply', '-f', hello)
    say(`$ kubectl-lite ${watchArgs.join(' ')}`)
    print(held.join(''))
    held = undefined
    const late = delay(goalWithinMs, 'late' as const, { signal: shown.signal }).catch(() => undefined)
    const phase = await Promise.race([watch.ended, late])
    if (phase !== 'Succeeded') {
      const why = await runToEnd(commands, 'kubectl-lite', [...kubeconfig, 'why', 'task/hello'], root)
      throw new LaunchError(`The Task hello has not succeeded within ${goalWithinMs / 1000} s. Why:\n\n${why.stdout}${why.stderr}`)
    }
    say('')
  } finally {
    shown.abort()
    watch.stop()
  }
}

function farewell({ root, isDefaultDirectory, directory }: QuickstartOptions, kubeconfig: string): string {
  const down = isDefaultDirectory ? 'npm run down' : `npm run down -- --data-dir ${directory}`
  return `The cluster goes on running. Paste this line, and kubectl-lite (and kubectl) know it:

  export PATH="${path.join(root, 'dist/bin')}:$PATH" KUBECONFIG="${kubeconfig}"

What to try next:

  kubectl-lite get tasks -o wide
  kubectl-lite run again -- sh -c 'echo "it is $(date)"'
  kubectl-lite logs again
  kubectl-lite why task/hello
  kubectl-lite explain task.spec
  ls manifests/            # numbered examples
  ${down.padEnd(24)} # ends it; all objects are kept
`
}
