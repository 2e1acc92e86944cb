/** `console`: the serial line of a virtual machine, as if one sat in front of it. */
import { Vps } from '../../lib/api/kinds/vps.js'
import type { DefineCommand } from '../cli/cli.js'
import { UsageError } from '../cli/exit-code.js'
import { awaitAgent } from '../sessions/await-agent.js'
import { carry } from '../sessions/carry.js'
import { findTask, sessionPath } from '../sessions/find-task.js'

/** Ctrl-], as telnet has it: no shell or editor wants it. */
const detachKey = 0x1d

export const consoleCommand: DefineCommand = (command, cli) => {
  command
    .argument('<vps>', 'vps/NAME, of the backend qemu')
    .addHelpText('after', '\nExample: kubectl-lite console vps/machine\nCtrl-] leaves it; what runs there goes on.')
    .action(async (word: string) => {
      const { io } = cli
      const cluster = await cli.connect()
      const address = await findTask(cluster, word.includes('/') ? word : `vps/${word}`, 'console', io)
      if (address.resource?.plural !== Vps.plural) throw new UsageError(`${word} has no console: a Vps has, as vps/NAME`)
      const path = await sessionPath(cluster, address, 'console', new URLSearchParams())
      const link = await awaitAgent(() => cluster.client.channels(path, io.signal), io.signal)
      let isLeft = false
      async function* keys(): AsyncIterable<Uint8Array> {
        for await (const chunk of io.inputBytes()) {
          const end = chunk.indexOf(detachKey)
          if (end !== 0) yield end < 0 ? chunk : chunk.subarray(0, end)
          if (end < 0) continue
          isLeft = true
          link.destroy()
          return
        }
      }
      if (io.inputTerminal) io.err(`Connected to the console of ${word}. Ctrl-] leaves it.\n`)
      try {
        await carry(link, { input: keys(), terminal: io.inputTerminal, out: io.outBytes, err: io.errBytes })
      } catch (error) {
        if (!isLeft) throw error
      }
      if (io.inputTerminal) io.err('\r\n')
    })
}
