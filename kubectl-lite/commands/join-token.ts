/**
 * `join-token`: makes a one-time token with which a node joins. Only its hash is stored; the token is printed once, or written to a file
 * that only its owner may read.
 */
import { createHash, randomInt } from 'node:crypto'
import { type FileHandle, open, rm } from 'node:fs/promises'
import path from 'node:path'
import { Option } from 'commander'
import { isDnsSubdomain } from '../../lib/api/names.js'
import { timestamp } from '../../lib/base/clock.js'
import type { DefineCommand } from '../cli/cli.js'
import { UsageError } from '../cli/exit-code.js'
import { parseDuration } from '../cli/timeout.js'
import { type Cluster, clientName } from '../cluster/cluster.js'
import { createObject } from '../cluster/objects.js'

interface Flags {
  readonly nodeName?: string
  readonly ttl: number
  readonly toFile?: string
  readonly output?: 'token'
}

const letters = 'abcdefghijklmnopqrstuvwxyz0123456789'
const longestTtlMs = 7 * 24 * 3_600_000

export const joinToken: DefineCommand = (command, cli) => {
  command
    .option('--node-name <name>', 'good for this node alone')
    .option('--ttl <duration>', 'how long it is good', parseDuration, 3_600_000)
    .option('--to-file <file>', 'write it to a file (mode 0600) instead of printing it')
    .addOption(new Option('-o, --output <format>', 'token: print the token alone').choices(['token']))
    .action(async (flags: Flags) => {
      if (flags.ttl <= 0 || flags.ttl > longestTtlMs) throw new UsageError('--ttl is above 0 and at most 168h')
      const { toFile, nodeName } = flags
      if (nodeName !== undefined && !isDnsSubdomain(nodeName))
        throw new UsageError(`--node-name takes the name of a node, such as n2, not "${nodeName}"`)
      const cluster = await cli.connect()
      if (toFile !== undefined) {
        const file = path.resolve(cli.io.cwd, toFile)
        // The file comes first: a token that cannot be written down would be good for its hour, and nobody would have it.
        const handle = await openNewFile(file, toFile)
        try {
          const { token } = await createToken(cluster, cli.io.now() + flags.ttl, nodeName)
          return await handle.writeFile(`${token}\n`)
        } catch (error) {
          await rm(file, { force: true })
          throw error
        } finally {
          await handle.close()
        }
      }
      const { token, expiration } = await createToken(cluster, cli.io.now() + flags.ttl, nodeName)
      await cli.io.out(`${token}\n`)
      if (flags.output === 'token') return
      cli.io.err(
        `\nGood until ${expiration}, for one node${nodeName === undefined ? '' : `, ${nodeName}`}. It is not shown again. On the node, with the token and the cluster's CA in files:\n\n` +
          `  millrace-nodeagent --node-name ${nodeName ?? 'NAME'} --server ${cluster.client.server} --ca-file ca.crt --join-token-file token --data-dir /var/lib/millrace\n\n` +
          'The node then runs containers; with --backends process,docker plain processes too.\n',
      )
    })
}

async function createToken(
  cluster: Cluster,
  expiresMs: number,
  nodeName: string | undefined,
): Promise<{ token: string; expiration: string }> {
  const secrets = await cluster.discovery.findOne('secrets')
  const expiration = timestamp(expiresMs)
  const { id, token } = randomToken()
  await createObject(cluster.client, secrets, 'kube-system', tokenSecret(id, token, expiration, nodeName), { fieldManager: clientName })
  return { token, expiration }
}

/** A file that was not there before, and that only its owner may read. */
async function openNewFile(file: string, given: string): Promise<FileHandle> {
  try {
    return await open(file, 'wx', 0o600)
  } catch (error) {
    const exists = (error as NodeJS.ErrnoException).code === 'EEXIST'
    throw new UsageError(exists ? `${given} exists already: name a new file` : `cannot write ${given}: ${(error as Error).message}`)
  }
}

/** ID.SECRET, 6 and 32 characters of a-z0-9. */
function randomToken(): { id: string; token: string } {
  const random = (length: number): string => Array.from({ length }, () => letters[randomInt(letters.length)]).join('')
  const id = random(6)
  return { id, token: `${id}.${random(32)}` }
}

/** What the server keeps of a token: its hash. */
function tokenSecret(id: string, token: string, expiration: string, nodeName: string | undefined): object {
  return {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name: `bootstrap-token-${id}`, namespace: 'kube-system' },
    type: 'bootstrap.kubernetes.io/token',
    stringData: {
      'token-id': id,
      'token-hash': createHash('sha256').update(token).digest('hex'),
      expiration,
      ...(nodeName === undefined ? {} : { 'node-name': nodeName }),
    },
  }
}
