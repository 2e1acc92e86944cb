import { readFile, writeFile } from 'node:fs/promises'
import { type AddressRange, gatewayOf, printAddress } from '../../lib/api/address-range.js'
import { removeFirewall } from './install-firewall.js'
import { bridgeMac, isTapName } from './network-names.js'
import { CommandError, type RunCommand } from './run-command.js'

const forwarding = '/proc/sys/net/ipv4/ip_forward'

interface Link {
  readonly ifname: string
  readonly address?: string
  readonly flags?: readonly string[]
  readonly addr_info?: readonly { readonly family: string; readonly local: string; readonly prefixlen: number }[]
}

/** Makes the bridge with the gateway's address, or brings it into order: as after a reboot, or after somebody changed it. */
export async function ensureBridge(run: RunCommand, bridge: string, range: AddressRange, signal: AbortSignal): Promise<void> {
  const wanted = `${printAddress(gatewayOf(range))}/${range.prefixLength}`
  const link = (await findLink(run, bridge, signal)) ?? (await makeBridge(run, bridge, signal))
  if (link?.address !== bridgeMac(bridge)) await run('ip', ['link', 'set', bridge, 'address', bridgeMac(bridge)], signal)
  const addresses = (link?.addr_info ?? []).filter(({ family }) => family === 'inet').map(({ local, prefixlen }) => `${local}/${prefixlen}`)
  for (const other of addresses) if (other !== wanted) await run('ip', ['address', 'del', other, 'dev', bridge], signal)
  if (!addresses.includes(wanted)) await run('ip', ['address', 'replace', wanted, 'dev', bridge], signal)
  // No rule says who may reach the node by the addresses that every interface gives itself.
  await put(`/proc/sys/net/ipv6/conf/${bridge}/disable_ipv6`, '1')
  if (!link?.flags?.includes('UP')) await run('ip', ['link', 'set', bridge, 'up'], signal)
  await put(forwarding, '1')
}

/** Removes the bridge with the taps on it, and its rules. That the machine forwards stays: others may rely on it by now. */
export async function removeBridge(run: RunCommand, bridge: string, signal: AbortSignal): Promise<void> {
  for (const { ifname } of await linksOf(run, ['master', bridge], signal)) if (isTapName(ifname)) await removeLink(run, ifname, signal)
  await removeLink(run, bridge, signal)
  await removeFirewall(run, 'packets', bridge, signal)
  await removeFirewall(run, 'frames', bridge, signal).catch((error: unknown) => {
    // Where there is no ebtables, none has put anything.
    if (!(error instanceof CommandError) || error.code !== 'ENOENT') throw error
  })
}

/** Sets what the kernel lets set; a kernel without IPv6 has less. */
async function put(file: string, value: string): Promise<void> {
  const present = await readFile(file, 'utf8').catch(() => undefined)
  if (present !== undefined && present.trim() !== value) await writeFile(file, value)
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
