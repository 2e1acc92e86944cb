import { describe, expect, it } from 'vitest'
import { EngineRefusal, explain, readRefusal, sayingOf, statusOf } from './engine-refusal.js'

/** As the client library makes them. */
const answered = (statusCode: number, said: string, json: unknown = { message: said }) =>
  Object.assign(new Error(`(HTTP code ${statusCode}) server error - ${said} `), { statusCode, reason: 'server error', json })

describe('what an engine answers when it does not do what it was asked', () => {
  it.each([
    [500, 'write /var/lib/docker/x: no space left on device', "failed: the disk of the node's engine is full: remove"],
    [500, 'accept4: too many open files', 'out of descriptors'],
    [500, 'fork/exec /usr/bin/runc: cannot allocate memory', 'no memory left'],
    [500, 'fork/exec /usr/bin/runc: resource temporarily unavailable', 'no process can be added'],
    [
      409,
      'Container 1f is paused, unpause the container before exec',
      'refused: Container 1f is paused, unpause the container before exec; it is suspended: resume it first',
    ],
    [409, 'Container 1f is not running', 'start it first'],
    [500, 'OCI runtime exec failed: exec failed: cannot exec in a stopped container: unknown', 'start it first'],
    [500, 'driver failed programming external connectivity: Bind for 0.0.0.0:80 failed: port is already allocated', 'choose another'],
    [
      500,
      'connection error: desc = "transport: error while dialing: dial unix:///run/containerd/containerd.sock: timeout"',
      'restart the engine',
    ],
    [500, 'Get "https://127.0.0.1:1/v2/": dial tcp 127.0.0.1:1: connect: connection refused', 'does not reach it: look at its name'],
    [500, 'context deadline exceeded', 'too busy'],
    [500, 'mkdir /var/lib/docker/overlay2/x: read-only file system', 'cannot be written'],
    [500, 'open /dev/x: operation not permitted', 'security module'],
    [500, 'something nobody thought of', "failed: something nobody thought of; if it goes on, the engine's log on the node says more"],
    [404, 'no such volume', 'the Docker engine refused: no such volume'],
    [500, '', 'it did not say why'],
  ])('%s %s', (code, said, words) => {
    const refusal = readRefusal(answered(code, said))
    expect(refusal?.message).toContain(words)
    expect(refusal?.message).not.toContain('HTTP')
    expect([statusOf(refusal), sayingOf(refusal)]).toEqual([code, said || 'it did not say why'])
  })

  it('is read also where it comes as text alone, and not out of errors of another sort', () => {
    const refusal = readRefusal(answered(404, 'manifest unknown', undefined))
    expect(refusal?.said).toBe('manifest unknown')
    for (const other of [new Error('socket hang up'), undefined, 'words']) expect(readRefusal(other)).toBeUndefined()
  })

  it('is the same at each try of an engine whose disk is full, whatever file it could not write', () => {
    const [first, second] = [1, 2].map((id) => readRefusal(answered(500, `mkdir /var/lib/docker/overlay2/${id}: no space left on device`)))
    expect(first?.message).toBe(second?.message)
    expect(explain(first)).toBe(explain(second))
  })

  it('can be put behind what was tried', () => {
    expect(explain(new EngineRefusal(500, 'port is already allocated'))).toMatch(/^port is already allocated; another program/)
    expect(explain(new Error('socket hang up'))).toBe('socket hang up')
  })
})
