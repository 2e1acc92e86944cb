import { readFile } from 'node:fs/promises'
import path from 'node:path'
import { type Command, Option } from 'commander'
import { findCondition } from '../../../lib/api/condition.js'
import { Secret } from '../../../lib/api/kinds/secret.js'
import { Vps, type VpsManifest } from '../../../lib/api/kinds/vps.js'
import type { DefineCommand } from '../../cli/cli.js'
import { ExitError, UsageError } from '../../cli/exit-code.js'
import type { Io } from '../../cli/io.js'
import { durationMs } from '../../cli/timeout.js'
import type { Cluster } from '../../cluster/cluster.js'
import { followObject } from '../../cluster/follow-object.js'
import { sshKeyFile, writeSshKey } from '../../sessions/ssh-key-file.js'
import { type CreateFlags, createOne } from './create-one.js'

interface VpsFlags extends CreateFlags {
  readonly image: string
  readonly backend: 'docker' | 'qemu'
  readonly imageChecksum?: string
  readonly cpu?: string
  readonly memory?: string
  readonly diskSize?: string
  readonly firmware?: 'bios' | 'uefi'
  readonly ssh?: 'disabled' | 'keys' | 'generate'
  readonly sshKey?: string[]
  readonly keyFile?: string
  readonly userData?: string
  readonly addressClaim?: string
  readonly target?: string
  readonly stopped?: boolean
  readonly timeout: string
}

export const createVps: DefineCommand = (command, cli) => {
  command
    .command('vps')
    .description('a machine to live in: a container that stays, or a virtual machine')
    .argument('<name>')
    .requiredOption('--image <image>', 'docker: a container image; qemu: a disk image of the node, or its https:// address')
    .addOption(new Option('--backend <name>', 'what it is').choices(['docker', 'qemu']).default('docker'))
    .option('--image-checksum <checksum>', 'sha256:… of a disk image; needed with https://')
    .option('--cpu <amount>', 'cores: 2, 500m')
    .option('--memory <amount>', 'memory: 512Mi, 4Gi')
    .option('--disk-size <amount>', 'how large its disk is (qemu)')
    .addOption(new Option('--firmware <name>', 'what boots its disk (qemu; default: bios)').choices(['bios', 'uefi']))
    .addOption(
      new Option('--ssh <mode>', 'who may log in (default: keys with --ssh-key, else disabled)').choices(['disabled', 'keys', 'generate']),
    )
    .option('--ssh-key <file...>', 'files with public keys of those who may')
    .option('--key-file <file>', 'with --ssh generate: where the private key is written, once (default: ~/.ssh/millrace-NAME.NAMESPACE)')
    .option('--user-data <file>', 'what cloud-init does at the first boot (qemu)')
    .option('--address-claim <name>', 'the IPClaim whose address it gets')
    .option('--target <target>', 'where it must be: NODE[:NUMA][::GPU,GPU]')
    .option('--stopped', 'make it, and do not start it')
    .option('--timeout <duration>', 'with --ssh generate: how long the key is waited for', '60s')
    .addHelpText(
      'after',
      '\nExamples: kubectl-lite create vps dev --image debian:12 --ssh generate\n          kubectl-lite create vps machine --backend qemu --image debian-12 --disk-size 20Gi --memory 2Gi --ssh-key ~/.ssh/id_ed25519.pub',
    )
    .action(async (name: string, _flags: object, own: Command) => {
      const flags = own.optsWithGlobals<VpsFlags>()
      const timeoutMs = durationMs(flags.timeout)
      if (timeoutMs === undefined) throw new UsageError(`--timeout takes a duration, as 30s or 5m, not "${flags.timeout}"`)
      if (flags.keyFile !== undefined && flags.ssh !== 'generate') throw new UsageError('--key-file needs --ssh generate')
      const spec = await specOf(flags, cli.io)
      await createOne(cli, Vps, flags, name, () => ({ spec }))
      if (spec.ssh?.mode === 'generate' && flags.dryRun === 'none')
        await keepKey(cli.io, await cli.connect(), name, flags.keyFile, timeoutMs)
    })
}

async function specOf(flags: VpsFlags, io: Io): Promise<VpsManifest['spec']> {
  const { image, backend, imageChecksum, diskSize, firmware, addressClaim, target, cpu, memory } = flags
  const authorizedKeys = await readKeys(flags.sshKey ?? [], io)
  const mode = flags.ssh ?? (authorizedKeys.length > 0 ? 'keys' : 'disabled')
  const requests = { ...(cpu === undefined ? {} : { cpu }), ...(memory === undefined ? {} : { memory }) }
  return {
    image,
    backend,
    ...(imageChecksum === undefined ? {} : { imageChecksum }),
    ...(diskSize === undefined ? {} : { diskSize }),
    ...(firmware === undefined ? {} : { firmware }),
    ...(addressClaim === undefined ? {} : { addressClaim }),
    ...(target === undefined ? {} : { target }),
    ...(Object.keys(requests).length > 0 ? { resources: { requests, limits: requests } } : {}),
    ...(flags.stopped ? { running: false } : {}),
    ...(flags.userData === undefined ? {} : { userData: await readUserFile(flags.userData, io) }),
    ssh: { mode, ...(authorizedKeys.length > 0 ? { authorizedKeys } : {}) },
  }
}

/** Lines of authorized_keys. A private key that was named by mistake goes nowhere. */
async function readKeys(files: readonly string[], io: Io): Promise<string[]> {
  const keys: string[] = []
  for (const file of files) {
    const text = await readUserFile(file, io)
    if (text.includes('PRIVATE KEY')) throw new UsageError(`${file} is a private key: name the public one, often ${file}.pub`)
    keys.push(
      ...text
        .split('\n')
        .map((line) => line.trim())
        .filter((line) => line !== '' && !line.startsWith('#')),
    )
  }
  return keys
}

async function readUserFile(file: string, io: Io): Promise<string> {
  try {
    return await readFile(path.resolve(io.cwd, file), 'utf8')
  } catch (error) {
    throw new UsageError(`${file} cannot be read: ${error instanceof Error ? error.message : String(error)}`)
  }
}

/** Waits for the key that is made for the Vps, and writes it to a file: the one time that it is shown. */
async function keepKey(io: Io, cluster: Cluster, name: string, keyFile: string | undefined, timeoutMs: number): Promise<void> {
  const { namespace } = cluster
  const resource = await cluster.discovery.ofKind(Vps.apiVersion, Vps.kind)
  const waiting = AbortSignal.timeout(timeoutMs)
  const ready = (object: Parameters<Parameters<typeof followObject>[2]>[0]) => {
    const condition = object && findCondition(object as { status?: Vps['status'] }, 'KeyReady')
    if (condition?.status === 'False') throw new ExitError('failed', condition.message)
    return object === undefined || condition?.status === 'True'
  }
  const vps = await followObject(cluster, { resource, namespace, name }, ready, AbortSignal.any([io.signal, waiting])).catch(
    (error: unknown) => {
      if (!waiting.aborted) throw error
      throw new ExitError(
        'timedOut',
        `no key was made for vps/${name} in time: is the controller-manager running? It will be in Secret ${name}-ssh`,
      )
    },
  )
  if (!vps) throw new ExitError('notFound', `vps/${name} was deleted meanwhile`)
  const { data = {} } = await cluster.client.of(Secret).get({ namespace, name: `${name}-ssh` })
  const file = keyFile === undefined ? sshKeyFile(io, { namespace, name }) : path.resolve(io.cwd, keyFile)
  await writeSshKey(file, Buffer.from(data['ssh-privatekey'] ?? '', 'base64').toString())
  io.err(`The private key is in ${file}; kubectl-lite ssh vps/${name} takes it from there.\n`)
}
