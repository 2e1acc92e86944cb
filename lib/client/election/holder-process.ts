/**
 * Says in a Lease which process holds it, so that others of the same machine can see that it is gone. The proof is the
 * system's own: a pid that nobody has in this pid namespace since this boot, or that only a zombie has. Who is on
 * another machine, in another container or cannot tell knows nothing.
 */
import { readFileSync, readlinkSync } from 'node:fs'

/** `pid-PID-NAMESPACE-BOOT` of this process; undefined where the system does not say (only Linux does). */
export function describeOwnProcess(): string | undefined {
  const place = ownPlace()
  return place === undefined ? undefined : `pid-${process.pid}-${place}`
}

/** Whether the process that a holder's name ends with is surely gone; false is: it lives, or nobody here can know. */
export function isSurelyGone(holderIdentity: string): boolean {
  const [, pid = '', place] = /(?:^|_)pid-([1-9]\d{0,9})-(\d+-[0-9a-f-]{36})$/.exec(holderIdentity) ?? []
  if (place === undefined || place !== ownPlace()) return false
  try {
    // Other than /proc, signals hide no process of another user: that is EPERM.
    process.kill(Number(pid), 0)
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ESRCH'
  }
  return isZombie(pid)
}

/** Where a pid means one process at a time: the pid namespace and the boot. */
function ownPlace(): string | undefined {
  try {
    const [, namespace] = /^pid:\[(\d+)\]$/.exec(readlinkSync('/proc/self/ns/pid')) ?? []
    const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()
    // A /proc of another namespace counts other pids.
    if (namespace === undefined || readlinkSync('/proc/self') !== String(process.pid)) return undefined
    return `${namespace}-${boot}`
  } catch {
    return undefined
  }
}

function isZombie(pid: string): boolean {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    return /^[ZX]/.test(stat.slice(stat.lastIndexOf(')') + 2))
  } catch {
    return false
  }
}
