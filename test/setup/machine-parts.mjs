/**
 * The parts of the machine that the tests drive: Docker's engine, a root file system for an image, QEMU for virtual machines, etcd for
 * comparisons, strace for losses of power. Missing ones are installed once, by one apt-get update and one install; where that cannot be,
 * the missing part is named, and the tests that need it fail unless MILLRACE_TEST_WITHOUT names it too.
 */
import { spawn } from 'node:child_process'
import { accessSync, constants, existsSync } from 'node:fs'
import path from 'node:path'

const parts = [
  { name: 'docker', command: 'dockerd', package: 'docker.io' },
  { name: 'docker', command: 'iptables', package: 'iptables' },
  { name: 'docker', command: 'busybox', package: 'busybox-static' },
  { name: 'docker', command: 'redis-server', package: 'redis-server' },
  { name: 'etcd', command: 'etcd', package: 'etcd-server' },
  { name: 'etcd', command: 'etcdctl', package: 'etcd-client' },
  { name: 'qemu', command: 'qemu-system-x86_64', package: 'qemu-system-x86' },
  { name: 'qemu', command: 'qemu-img', package: 'qemu-utils' },
  { name: 'qemu', command: 'busybox', package: 'busybox-static' },
  { name: 'qemu', command: 'genisoimage', package: 'genisoimage' },
  { name: 'qemu', command: 'sshd', package: 'openssh-server' },
  { name: 'qemu', command: 'ssh', package: 'openssh-client' },
  { name: 'strace', command: 'strace', package: 'strace' },
  // A disk image as distributions publish it is made by the long tests alone.
  ...(process.env.MILLRACE_TEST_LONG === '1'
    ? [
        { name: 'qemu', command: 'debootstrap', package: 'debootstrap' },
        { name: 'qemu', command: 'OVMF', file: '/usr/share/ovmf/OVMF.fd', package: 'ovmf' },
      ]
    : []),
]

/** Installs what is missing, or says what it is. Throws only when apt-get itself fails. */
export async function installMachineParts() {
  const without = new Set((process.env.MILLRACE_TEST_WITHOUT ?? '').split(',').filter(Boolean))
  const missing = parts.filter(
    (part) => !without.has(part.name) && !(part.file === undefined ? isInstalled(part.command) : existsSync(part.file)),
  )
  if (missing.length === 0) return
  const packages = missing.map((part) => part.package)
  if (process.getuid?.() !== 0 || !isInstalled('apt-get')) {
    const names = [...new Set(missing.map((part) => part.name))].join(',')
    process.stderr.write(
      `The tests need ${missing.map((part) => part.command).join(', ')}, and only root on Debian can install them from here.\n` +
        `Install them (Debian: sudo apt-get install -y --no-install-recommends ${packages.join(' ')}), or leave those tests out: MILLRACE_TEST_WITHOUT=${names} npm test\n`,
    )
    return
  }
  process.stderr.write(`installing ${packages.join(', ')} for the tests …\n`)
  await aptGet(['update', '-q'])
  await aptGet(['install', '-q', '-y', '--no-install-recommends', ...packages])
}

function isInstalled(command) {
  return [...(process.env.PATH ?? '').split(path.delimiter), '/usr/sbin', '/sbin'].some((folder) => {
    try {
      accessSync(path.join(folder, command), constants.X_OK)
      return true
    } catch {
      return false
    }
  })
}

/** Services of the packages are not started: the tests start their own. */
function aptGet(args) {
  return new Promise((resolve, reject) => {
    const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive', RUNLEVEL: '1' }
    const child = spawn('apt-get', args, { env, stdio: ['ignore', 'pipe', 'pipe'] })
    let output = ''
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (output += chunk))
    child.on('error', reject)
    child.on('exit', (code) =>
      code === 0 ? resolve() : reject(new Error(`apt-get ${args.join(' ')} ended with code ${code}:\n${output}`)),
    )
  })
}
