import { execFile } from 'node:child_process'
import { cp, mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { promisify } from 'node:util'

const run = promisify(execFile)

/**
 * Makes an image of a program of this machine, with the libraries that it needs and
 * nothing else: a registry's image of it is not to be had in tests.
 */
export async function importProgram(socketPath: string, program: string, image: string): Promise<void> {
  const root = await mkdtemp(path.join(tmpdir(), 'mr-image-'))
  try {
    const { stdout } = await run('ldd', [program])
    const libraries = [...stdout.matchAll(/(\/\S+) \(0x/g)].map(([, file]) => file ?? '')
    for (const file of [program, ...libraries]) {
      await mkdir(path.join(root, path.dirname(file)), { recursive: true })
      await cp(file, path.join(root, file), { dereference: true })
    }
    for (const folder of ['tmp', 'proc', 'sys', 'dev', 'etc']) await mkdir(path.join(root, folder), { recursive: true })
    const archive = path.join(root, '..', `${path.basename(root)}.tar`)
    await run('tar', ['-cf', archive, '-C', root, '.'])
    await run('docker', ['-H', `unix://${socketPath}`, 'import', '--change', 'ENV PATH=/usr/sbin:/usr/bin:/sbin:/bin', archive, image])
    await rm(archive)
  } finally {
    await rm(root, { recursive: true, force: true })
  }
}
