import type { QemuEngine } from './qemu-engine.js'

export interface EngineArguments {
  readonly engine: QemuEngine
  /** What QMP says of itself, and process lists show. A plain word. */
  readonly name: string
  /** Relative to the directory in which QEMU is started: the kernel takes no long paths. */
  readonly qmpSocket: string
  /** The user that QEMU becomes once it has opened its files; the agent must be root. */
  readonly userId?: number | undefined
}

/**
 * What every guest is started with: nothing that is not asked for, the accelerator of the node, a QMP socket, and QEMU's own sandbox, in
 * which it starts no programs. It gives up root, when it has it, before the guest's first instruction.
 */
export function engineArguments({ engine, name, qmpSocket, userId }: EngineArguments): string[] {
  return [
    ...['-name', `guest=${name}`],
    ...['-nodefaults', '-no-user-config', '-display', 'none'],
    ...['-accel', engine.accelerator, '-cpu', cpuOf(engine)],
    ...['-sandbox', `on,obsolete=deny,elevateprivileges=${userId === undefined ? 'deny' : 'allow'},spawn=deny,resourcecontrol=deny`],
    ...(userId === undefined ? [] : becomeUser(engine.version, userId)),
    ...['-chardev', `socket,id=qmp,path=${escapeOption(qmpSocket)},server=on,wait=off`, '-mon', 'chardev=qmp,mode=control'],
  ]
}

/** The most that the accelerator can give. */
function cpuOf({ accelerator }: Pick<QemuEngine, 'accelerator'>): string {
  return accelerator === 'kvm' ? 'host' : 'max'
}

/**
 * For the kernel's command line where we have one: without it a guest on TCG
 * measures its clock, and on a loaded machine it may hang over it.
 */
export function clockParameters({ accelerator }: Pick<QemuEngine, 'accelerator'>): string[] {
  return accelerator === 'tcg' ? ['tsc_early_khz=2000000'] : []
}

/**
 * The beginning of -netdev for networking by QEMU itself: of IPv4 alone, as on a
 * node's bridge; guests would reach the node itself by IPv6 too.
 */
export const userNetwork = (id: string) => `user,id=${id},ipv6=off`

/** A value in QEMU's lists of options, where a comma ends it. */
export function escapeOption(value: string): string {
  return value.replaceAll(',', ',,')
}

/** -runas is on its way out since 9.1. */
function becomeUser(version: string, userId: number): string[] {
  const [major = 0, minor = 0] = version.split('.').map(Number)
  const isNew = major > 9 || (major === 9 && minor >= 1)
  return isNew ? ['-run-with', `user=${userId}:${userId}`] : ['-runas', `${userId}:${userId}`]
}
