import { Vps } from '../../lib/api/kinds/vps.js'
import { type Controller, controller } from '../../lib/controller/controller.js'

export interface SshDoor {
  readonly host: string
  readonly port: number
  /** The public half of the host key: type and key. */
  readonly hostKey: string
}

/** Says on each Vps that somebody may log in to how that is done, and which host key the client will see; on the others nothing. */
export function vpsSsh(door: SshDoor): Controller {
  return controller({
    name: 'vps-ssh',
    for: Vps,
    async reconcile(vps) {
      const told = vps.spec.ssh.mode === 'disabled' ? {} : loginOf(door, vps.metadata)
      const { sshCommand: _command, sshHostKey: _hostKey, ...rest } = vps.status
      vps.status = { ...rest, ...told }
    },
  })
}

function loginOf({ host, port, hostKey }: SshDoor, { namespace = 'default', name }: Vps['metadata']) {
  const knownAs = port === 22 ? host : `[${host}]:${port}`
  return { sshCommand: `ssh ${port === 22 ? '' : `-p ${port} `}${name}.${namespace}@${host}`, sshHostKey: `${knownAs} ${hostKey}` }
}
