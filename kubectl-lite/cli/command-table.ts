import type { DefineCommand } from './cli.js'

export interface CommandEntry {
  readonly name: string
  readonly summary: string
  readonly group: string
  readonly load: () => Promise<DefineCommand>
}

/** All commands, in the order of the help. Each is loaded only when it is asked for. */
export const commandTable: readonly CommandEntry[] = [
  entry('Basic', 'apply', 'Make the cluster match manifests', async () => (await import('../commands/apply.js')).apply),
  entry('Basic', 'create', 'Create objects from manifests or arguments', async () => (await import('../commands/create.js')).create),
  entry('Basic', 'run', 'Create a Task from the command line', async () => (await import('../commands/run.js')).run),
  entry('Basic', 'get', 'Show objects', async () => (await import('../commands/get.js')).get),
  entry('Basic', 'delete', 'Delete objects', async () => (await import('../commands/delete.js')).deleteCommand),
  entry('Basic', 'edit', 'Change an object in your editor', async () => (await import('../commands/edit.js')).edit),
  entry(
    'Understand',
    'describe',
    'Show an object with its events and the why',
    async () => (await import('../commands/describe.js')).describe,
  ),
  entry('Understand', 'logs', 'Print what a Task or a Vps writes', async () => (await import('../commands/logs.js')).logs),
  entry('Understand', 'exec', 'Run a command inside of a Task or a Vps', async () => (await import('../commands/exec.js')).exec),
  entry('Understand', 'attach', 'Show what a Task writes from now on', async () => (await import('../commands/attach.js')).attach),
  entry('Understand', 'cp', 'Copy files to and from a Task or a Vps', async () => (await import('../commands/cp.js')).cp),
  entry(
    'Understand',
    'port-forward',
    'Reach what a Task or a Vps listens on',
    async () => (await import('../commands/port-forward.js')).portForward,
  ),
  entry('Understand', 'console', 'Sit at the serial line of a Vps', async () => (await import('../commands/console.js')).consoleCommand),
  entry('Understand', 'ssh', 'Log in to a Vps', async () => (await import('../commands/ssh.js')).ssh),
  entry('Understand', 'why', 'Say why an object is as it is', async () => (await import('../commands/why.js')).why),
  entry(
    'Understand',
    'history',
    'Show who changed what, revision by revision',
    async () => (await import('../commands/history.js')).history,
  ),
  entry('Understand', 'top', 'Show how loaded nodes are, and what Tasks use', async () => (await import('../commands/top.js')).top),
  entry('Understand', 'wait', 'Wait until objects are in a state', async () => (await import('../commands/wait.js')).wait),
  entry('Understand', 'explain', 'Describe the fields of a kind', async () => (await import('../commands/explain.js')).explain),
  entry('Understand', 'diff', 'Show what apply would change', async () => (await import('../commands/diff.js')).diff),
  entry('Rights', 'auth', 'Ask what one may do, and who one is', async () => (await import('../commands/auth.js')).auth),
  entry('Change', 'start', 'Start a Vps', async () => (await import('../commands/power.js')).start),
  entry('Change', 'stop', 'Stop a Vps; its disk stays', async () => (await import('../commands/power.js')).stop),
  entry('Change', 'restart', 'Stop a Vps and start it again', async () => (await import('../commands/power.js')).restart),
  entry('Change', 'reset', 'Press the reset button of a virtual machine', async () => (await import('../commands/power.js')).reset),
  entry('Change', 'scale', 'Say how many replicas there shall be', async () => (await import('../commands/scale.js')).scale),
  entry('Change', 'set', 'Change the image or environment of a template', async () => (await import('../commands/set.js')).set),
  entry('Change', 'rollout', 'Follow, undo, restart or hold a rollout', async () => (await import('../commands/rollout.js')).rollout),
  entry('Change', 'patch', 'Change fields of an object', async () => (await import('../commands/patch.js')).patch),
  entry('Change', 'label', 'Change labels', async () => (await import('../commands/label.js')).label),
  entry('Change', 'annotate', 'Change annotations', async () => (await import('../commands/annotate.js')).annotate),
  entry(
    'Change',
    'restore',
    'Put the disk of a Vps back as a snapshot has it',
    async () => (await import('../commands/restore.js')).restore,
  ),
  entry('Nodes', 'cordon', 'Keep new work from a node', async () => (await import('../commands/cordon.js')).cordon),
  entry('Nodes', 'uncordon', 'Let a node take new work again', async () => (await import('../commands/cordon.js')).uncordon),
  entry('Nodes', 'drain', 'Empty a node before maintenance', async () => (await import('../commands/drain.js')).drain),
  entry('Nodes', 'taint', 'Change the taints of nodes', async () => (await import('../commands/taint.js')).taint),
  entry('Nodes', 'join-token', 'Create a token with which a node joins', async () => (await import('../commands/join-token.js')).joinToken),
  entry(
    'Settings',
    'api-resources',
    'List the kinds that the server knows',
    async () => (await import('../commands/api-resources.js')).apiResources,
  ),
  entry('Settings', 'config', 'Show and change kubeconfig files', async () => (await import('../commands/config.js')).config),
  entry(
    'Settings',
    'completion',
    'Print a completion script for bash or zsh',
    async () => (await import('../commands/completion.js')).completion,
  ),
  entry('Settings', 'version', 'Print the versions of client and server', async () => (await import('../commands/version.js')).version),
]

function entry(group: string, name: string, summary: string, load: CommandEntry['load']): CommandEntry {
  return { group, name, summary, load }
}
