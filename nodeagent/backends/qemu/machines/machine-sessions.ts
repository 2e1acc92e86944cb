import path from 'node:path'
import type { Duplex } from 'node:stream'
import type { ClientChannel } from 'ssh2'
import { connectDatagrams } from '../../connect-datagrams.js'
import { connectTo } from '../../connect-to.js'
import type { ExecOrder, ExecSession } from '../../exec-session.js'
import { execInGuest } from './exec-in-guest.js'
import { consoleSocketName } from './machine-arguments.js'
import { MachineConsole } from './machine-console.js'
import type { MachineFiles } from './machine-files.js'
import type { MachineLife } from './machine-life.js'
import { openUdpForward } from './user-network.js'

/** The ways into running machines: commands, ports and files over SSH or their addresses, and their serial consoles. */
export class MachineSessions {
  private readonly consoles = new Map<string, MachineConsole>()

  constructor(
    private readonly files: MachineFiles,
    private readonly life: MachineLife,
  ) {}

  async exec(uid: string, order: ExecOrder, signal: AbortSignal): Promise<ExecSession> {
    return execInGuest(await this.life.wayIn(uid, signal), order, signal)
  }

  async dial(uid: string, port: number, protocol: 'tcp' | 'udp', signal: AbortSignal): Promise<Duplex> {
    const address = await this.life.runningAddress(uid)
    if (address !== undefined) return protocol === 'tcp' ? connectTo(address, port, signal) : connectDatagrams(address, port, signal)
    if (protocol === 'tcp') return (await this.life.wayIn(uid, signal)).dial(port, signal)
    const forward = await openUdpForward((question, until) => this.life.ask(uid, question, until), port, signal)
    const duplex = await connectDatagrams('127.0.0.1', forward.port, signal)
    duplex.once('close', () => void forward.close())
    return duplex
  }

  async openFiles(uid: string, signal: AbortSignal): Promise<Duplex> {
    const ssh = await this.life.wayIn(uid, signal)
    const take = (channel: ClientChannel) => {
      channel.stderr.resume()
      return { channel }
    }
    return (await ssh.openSession((client, answer) => client.subsys('sftp', answer), take, signal)).channel
  }

  openConsole(uid: string, signal: AbortSignal): Promise<Duplex> {
    const known = this.consoles.get(uid) ?? new MachineConsole(path.join(this.files.folder(uid), consoleSocketName))
    this.consoles.set(uid, known)
    return known.open(signal)
  }

  /** The machine is gone. */
  forget(uid: string): void {
    this.consoles.delete(uid)
  }
}
