/** `create deployment`: one container from arguments; without an image a plain process. */
import type { Command } from 'commander'
import { Deployment } from '../../../lib/api/kinds/deployment.js'
import type { DefineCommand } from '../../cli/cli.js'
import { UsageError } from '../../cli/exit-code.js'
import { wholeNumber } from '../../cli/whole-number.js'
import { type CreateFlags, createOne } from './create-one.js'

interface Flags extends CreateFlags {
  readonly image?: string
  readonly replicas: string
  readonly port?: string
}

export const createDeployment: DefineCommand = (command, cli) => {
  command
    .command('deployment')
    .alias('deploy')
    .description('equal Tasks that are kept, and replaced step by step when their template changes')
    .argument('<name>')
    .argument('[words...]', 'after --: what to run')
    .option('--image <image>', 'the container image; without one the Tasks are plain processes', onlyImage)
    .option('--replicas <number>', 'how many Tasks', '1')
    .option('--port <port>', 'the port that they listen on')
    .action((name: string, words: string[], _flags: object, own: Command) => {
      const flags = own.optsWithGlobals<Flags>()
      if (flags.image === undefined && words.length === 0)
        throw new UsageError(`say what to run: --image=nginx, or after --: kubectl-lite create deployment ${name} -- sleep 600`)
      return createOne(cli, Deployment, flags, name, () => deploymentOf(name, words, flags))
    })
}

function deploymentOf(name: string, words: readonly string[], { image, replicas, port }: Flags): object {
  const labels = { app: name }
  const container = {
    name: image === undefined ? name : containerName(image),
    ...(image === undefined ? {} : { image }),
    ...(words.length === 0 ? {} : { command: words }),
    ...(port === undefined ? {} : { ports: [{ containerPort: wholeNumber(port, '--port') }] }),
  }
  return {
    metadata: { name, labels },
    spec: {
      replicas: wholeNumber(replicas, '--replicas'),
      selector: { matchLabels: labels },
      template: { metadata: { labels }, spec: { containers: [container] } },
    },
  }
}

function onlyImage(image: string, before: string | undefined): string {
  if (before !== undefined || image.includes(',')) throw new UsageError('a Task is one container: --image takes one image, once')
  return image
}

/** The last part of the image's path, without tag and digest, as kubectl names it. */
function containerName(image: string): string {
  const last = image.split('/').at(-1) ?? image
  return last.replace(/[:@].*$/, '').replaceAll(/[^a-z0-9-]/g, '-')
}
