import { copyFile, mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, describe } from 'vitest'
import { type ContractPrograms, describeBackend } from '../backend.contract.js'
import { openCgroups } from '../process/cgroups.js'
import { guestInitramfs } from './fixtures/guest-initramfs.js'
import { guestKernel, withoutQemu } from './fixtures/guest-kernel.js'
import { QemuBackend } from './qemu-backend.js'

const shell = (script: string) => ['sh', '-c', script]
const programs: ContractPrograms = {
  exit: (code) => shell(`exit ${code}`),
  sleep: ['sleep', '600'],
  stubborn: shell('trap "" TERM; echo ready; while :; do sleep 1; done'),
  print: (out, err) => shell(`echo "${out}"; echo "${err}" >&2`),
  printEnv: (name) => shell(`printf '%s\\n' "$${name}"`),
  echo: (port) => ['nc', '-ll', '-p', String(port), '-e', 'cat'],
  missing: ['/no/such/command'],
  hungry: ['tail', '/dev/zero'],
}

describe.skipIf(withoutQemu)('with QEMU', () => {
  const folders: string[] = []
  afterAll(async () => {
    for (const folder of folders) await rm(folder, { recursive: true, force: true })
  })

  describeBackend('qemu', async () => {
    const directory = await mkdtemp(path.join(tmpdir(), 'mr-qemu-'))
    folders.push(directory)
    const imageDirectory = path.join(directory, 'images')
    await mkdir(imageDirectory)
    const kernel = await guestKernel()
    await copyFile(kernel.vmlinuz, path.join(imageDirectory, 'busybox.vmlinuz'))
    await copyFile(await guestInitramfs(kernel), path.join(imageDirectory, 'busybox.initrd'))
    const cgroups = await openCgroups()
    const separateUsers = process.getuid?.() === 0
    return {
      open: () =>
        QemuBackend.open({
          directory: path.join(directory, 'state'),
          imageDirectory,
          binary: 'qemu-system-x86_64',
          separateUsers,
          cgroups,
          searchPath: process.env.PATH ?? '',
        }),
      programs,
      image: 'busybox',
      memoryLimit: '128Mi',
      slow: true,
    }
  })
})
