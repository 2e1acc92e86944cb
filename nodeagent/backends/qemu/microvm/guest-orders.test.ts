import { execFileSync } from 'node:child_process'
import { describe, expect, it } from 'vitest'
import { defaultTaskSpec } from '../../../../lib/testing/a-task.js'
import { packCpio } from './cpio.js'
import { guestOrders, quote } from './guest-orders.js'

const said = (script: string) => execFileSync('sh', ['-c', script], { encoding: 'utf8' })

describe('the orders of a guest', () => {
  it('are a script that runs the command with its words and its environment, whatever is in them', () => {
    const words = ["it's", 'two words', '$HOME', '`id`', 'line\nline', '*', '']
    const orders = guestOrders({
      name: 'n',
      env: { 'A.B': "x'y\nz", PATH: '/usr/bin:/bin' },
      spec: { ...defaultTaskSpec, command: ['printf', '%s|'], args: words },
    })
    expect(said(`${orders}\nrun_command`)).toBe(`${words.join('|')}|`)
    expect(said(`${orders}\nin_environment env`).split('\n').sort()).toEqual(['', "A.B=x'y", 'HOME=/root', 'PATH=/usr/bin:/bin', 'z'])
    expect(said(`${orders}\necho "$host_name $directory $program $search_path"`)).toBe('n / printf /usr/bin:/bin\n')
  })

  it('quote every word', () => expect(said(`printf %s ${quote('a\'b\\c"d')}`)).toBe('a\'b\\c"d'))
})

describe('an archive for the kernel', () => {
  it('is read by others', () => {
    const archive = packCpio([
      { name: 'dir', mode: 0o040755, content: Buffer.alloc(0) },
      { name: 'dir/file', mode: 0o100755, content: Buffer.from('12345') },
    ])
    expect(archive.length % 4).toBe(0)
    expect(execFileSync('busybox', ['cpio', '-t'], { input: archive, encoding: 'utf8', stdio: ['pipe', 'pipe', 'ignore'] })).toBe(
      'dir\ndir/file\n',
    )
  })
})
