/** `attach`: what a Task says from now on, on both outputs, until it ends. */
import type { DefineCommand } from '../cli/cli.js'
import { awaitAgent } from '../sessions/await-agent.js'
import { carry } from '../sessions/carry.js'
import { findTask, sessionPath } from '../sessions/find-task.js'
import { orNameVps } from '../sessions/or-name-vps.js'

export const attach: DefineCommand = (command, cli) => {
  command
    .argument('<task>', 'NAME, task/NAME, vps/NAME, or deployment/NAME for one of its Tasks')
    .addHelpText('after', '\nTasks have no input: exec runs a command with one. logs shows what was said before.')
    .action(async (word: string) => {
      const { io } = cli
      const cluster = await cli.connect()
      const address = await findTask(cluster, word, 'attach', io)
      const path = await sessionPath(cluster, address, 'attach', new URLSearchParams())
      const link = awaitAgent(() => cluster.client.channels(path, io.signal), io.signal)
      await carry(await orNameVps(cluster, address, link), { out: io.outBytes, err: io.errBytes })
    })
}
