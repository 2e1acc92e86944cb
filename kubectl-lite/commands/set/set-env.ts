import type { DefineCommand } from '../../cli/cli.js'
import { type DryRun, dryRunOption } from '../../cli/dry-run.js'
import { forEach } from '../../cli/for-each.js'
import { printObject } from '../../cluster/api-resource.js'
import { findTargets, type TargetFlags, withTargetFlags } from '../../cluster/target-objects.js'
import { changeTemplate, readTemplated, type Templated } from '../../workloads/templated.js'
import { splitWords } from './split-words.js'

interface Flags extends TargetFlags {
  readonly list?: boolean
  readonly dryRun: DryRun
}

const isSetting = (word: string) => /^[A-Za-z_][\w.-]*(=|-$)/.test(word)

/** `set env deployment/web A=1 B-`: sets A and takes B away. */
export const setEnv: DefineCommand = (command, cli) => {
  withTargetFlags(
    command.command('env').description('environment variables').argument('[words...]', 'KIND/NAME… NAME=VALUE, or NAME- to take one away'),
  )
    .option('--list', 'print the variables that are there')
    .addOption(dryRunOption())
    .addHelpText('after', '\nExample: kubectl-lite set env deployment/web LEVEL=debug OLD-')
    .action(async (words: string[], flags: Flags) => {
      const { objects, settings } = flags.list
        ? { objects: words, settings: [] }
        : splitWords(words, isSetting, 'env deployment/web LEVEL=debug')
      const cluster = await cli.connect()
      await forEach(await findTargets(cluster, objects, flags, cli.io), cli.io, async (target) => {
        const live = await readTemplated(cluster, target)
        if (flags.list) return await cli.io.out(`# ${printObject(target.resource, target.name)}\n${listEnv(live)}`)
        const containers = live.spec.template.spec.containers.map(({ name }) => ({ name, env: settings.map(variable) }))
        await changeTemplate(cluster, cli.io, target, live, {
          template: { spec: { containers } },
          verb: 'env updated',
          dryRun: flags.dryRun,
        })
      })
    })
}

/** An item of a strategic merge patch. A value takes the place of a source. */
function variable(word: string): object {
  const equals = word.indexOf('=')
  if (equals < 0) return { name: word.slice(0, -1), $patch: 'delete' }
  return { name: word.slice(0, equals), value: word.slice(equals + 1), valueFrom: null }
}

/** Values that come from Secrets and ConfigMaps are named. */
function listEnv({ spec }: Templated): string {
  return spec.template.spec.containers
    .flatMap(({ env = [] }) => env)
    .map(({ name, value = '', valueFrom }) => {
      const { secretKeyRef: secret, configMapKeyRef: map } = valueFrom ?? {}
      if (secret) return `# ${name} from secret ${secret.name}, key ${secret.key}\n`
      return map ? `# ${name} from configmap ${map.name}, key ${map.key}\n` : `${name}=${value}\n`
    })
    .join('')
}
