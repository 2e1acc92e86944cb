/** `why`: what is desired of an object, what is the case, and every reason between. */
import { Option } from 'commander'
import type { DefineCommand } from '../cli/cli.js'
import { findTargets } from '../cluster/target-objects.js'
import { printPrettyJson, printYaml } from '../print/print-object.js'
import { printWhy, readWhy } from './why/read-why.js'

export const why: DefineCommand = (command, cli) => {
  command
    .argument('<object...>', 'KIND NAME… or KIND/NAME…')
    .addOption(new Option('-o, --output <format>', 'json or yaml').choices(['json', 'yaml']))
    .action(async (words: string[], flags: { output?: 'json' | 'yaml' }) => {
      const cluster = await cli.connect()
      const targets = await findTargets(cluster, words, {}, cli.io)
      for (const [index, target] of targets.entries()) {
        const answer = await readWhy(cluster, target)
        if (flags.output === 'json') await cli.io.out(printPrettyJson(answer))
        else if (flags.output === 'yaml') await cli.io.out(await printYaml(answer))
        else {
          const head = targets.length > 1 ? `${index > 0 ? '\n' : ''}${answer.kind} ${target.name}\n` : ''
          await cli.io.out(head + printWhy(answer, true))
        }
      }
    })
}
