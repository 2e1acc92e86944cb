import { readFile, writeFile } from 'node:fs/promises'
import { type AddressRange, gatewayOf, printAddress, printRange } from '../../lib/api/address-range.js'
import { ensureRules, removeRules } from './nat-rules.js'
import { isTapName } from './network-names.js'
import type { RunCommand } from './run-command.js'

const forwarding = '/proc/sys/net/ipv4/ip_forward'

interface Link {
  readonly ifname: string
  readonly flags?: readonly string[]
  readonly addr_info?: readonly { readonly family: string; readonly local: string; readonly prefixlen: number }[]
}

/** Makes the bridge with the gateway's address, or brings it into order: as after a reboot, or after somebody changed it. */
export async function ensureBridge(run: RunCommand, bridge: string, range: AddressRange, signal: AbortSignal): Promise<void> {
  const wanted = `${printAddress(gatewayOf(range))}/${range.prefixLength}`
  const link = (await findLink(run, bridge, signal)) ?? (await makeBridge(run, bridge, signal))
  const addresses = (link?.addr_info ?? []).filter(({ family }) => family === 'inet').map(({ local, prefixlen }) => `${local}/${prefixlen}`)
  for (const other of addresses) if (other !== wanted) await run('ip', ['address', 'del', other, 'dev', bridge], signal)
  if (!addresses.includes(wanted)) await run('ip', ['address', 'replace', wanted, 'dev', bridge], signal)
  if (!link?.flags?.includes('UP')) await run('ip', ['link', 'set', bridge, 'up'], signal)
  if ((await readFile(forwarding, 'utf8')).trim() === '0') await writeFile(forwarding, '1')
  await ensureRules(run, bridge, printRange(range), signal)
}

/** Removes the bridge with the taps on it, and its rules. That the machine forwards stays: others may rely on it by now. */
export async function removeBridge(run: RunCommand, bridge: string, signal: AbortSignal): Promise<void> {
  for (const { ifname } of await linksOf(run, ['master', bridge], signal)) if (isTapName(ifname)) await removeLink(run, ifname, signal)
  await removeLink(run, bridge, signal)
  await removeRules(run, bridge, signal)
}

export async function ensureTap(
  run: RunCommand,
  tap: string,
  bridge: string,
  user: number | undefined,
  signal: AbortSignal,
): Promise<void> {
  const owner = user === undefined ? [] : ['user', String(user)]
  if (!(await findLink(run, tap, signal))) await run('ip', ['tuntap', 'add', 'dev', tap, 'mode', 'tap', ...owner], signal)
  await run('ip', ['link', 'set', tap, 'master', bridge, 'up'], signal)
}

export async function removeLink(run: RunCommand, name: string, signal: AbortSignal): Promise<void> {
  if (await findLink(run, name, signal)) await run('ip', ['link', 'delete', name], signal)
}

async function makeBridge(run: RunCommand, bridge: string, signal: AbortSignal): Promise<Link | undefined> {
  await run('ip', ['link', 'add', bridge, 'type', 'bridge', 'forward_delay', '0'], signal)
  return await findLink(run, bridge, signal)
}

async function findLink(run: RunCommand, name: string, signal: AbortSignal): Promise<Link | undefined> {
  return (await linksOf(run, [], signal)).find(({ ifname }) => ifname === name)
}

async function linksOf(run: RunCommand, filter: readonly string[], signal: AbortSignal): Promise<readonly Link[]> {
  const printed = await run('ip', ['-json', 'address', 'show', ...filter], signal)
  return printed.trim() === '' ? [] : (JSON.parse(printed) as Link[])
}
