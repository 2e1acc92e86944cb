import { forbiddenField, hiddenValue, invalidValue, notSupported, requiredValue, type StatusCause } from '../api-error.js'
import type { KubeObject } from '../define-kind.js'
import { sameValue } from '../json/same-value.js'
import { memoryBytes } from '../quantity.js'
import { scheduleCauses } from '../schedule/schedule-causes.js'
import { userDataBeginnings, userDataFormat } from '../user-data.js'
import type { VpsSpec } from './vps.js'

/** Rules across the fields of a Vps; see define-kind.ts. */
export function validateVps(object: KubeObject, old: KubeObject | undefined): StatusCause[] {
  const spec = object.spec as VpsSpec
  return [
    ...(spec.backend === 'docker' ? validateContainer(spec) : validateMachine(spec)),
    // Once, as its YAML: what does not change is no reason to refuse a change.
    ...(old ? [] : validateUserData(spec)),
    ...validateSsh(spec),
    ...validateSchedule(spec),
    ...(old ? validateChange(spec, old.spec as VpsSpec) : []),
  ]
}

function validateContainer(spec: VpsSpec): StatusCause[] {
  return (['imageChecksum', 'diskSize', 'firmware', 'userData'] as const)
    .filter((field) => spec[field] !== undefined)
    .map((field) =>
      notSupported(`spec.${field}`, field === 'userData' ? hiddenValue : spec[field], 'a container has none; the backend qemu does'),
    )
}

const checksum = /^(sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128})$/
/** The name of a file in the image directory: no path. */
const imageName = /^[A-Za-z0-9][-A-Za-z0-9_.]{0,127}$/

function validateMachine(spec: VpsSpec): StatusCause[] {
  const causes: StatusCause[] = []
  if (spec.command) causes.push(notSupported('spec.command', hiddenValue, 'a virtual machine boots its disk; use userData'))
  if (spec.privileged)
    causes.push(notSupported('spec.privileged', true, 'a virtual machine has all rights in itself, and none on the node'))
  if (spec.imagePullPolicy)
    causes.push(notSupported('spec.imagePullPolicy', spec.imagePullPolicy, 'disk images are known by imageChecksum'))
  for (const [index, { hostPort }] of (spec.ports ?? []).entries())
    if (hostPort !== undefined)
      causes.push(notSupported(`spec.ports[${index}].hostPort`, hostPort, 'a Tunnel leads to a port of a virtual machine'))
  if (spec.image.includes('://')) causes.push(...validateImageAddress(spec))
  else if (!imageName.test(spec.image))
    causes.push(
      invalidValue('spec.image', spec.image, "must be the name of a file in the node's image directory, or an https:// or file:// address"),
    )
  if (spec.imageChecksum !== undefined && !checksum.test(spec.imageChecksum))
    causes.push(
      invalidValue('spec.imageChecksum', spec.imageChecksum, 'must be sha256: and 64, or sha512: and 128 hexadecimal digits in lower case'),
    )
  return causes
}

function validateUserData({ backend, userData }: VpsSpec): StatusCause[] {
  if (backend !== 'qemu' || userData === undefined || userDataFormat(userData) !== undefined) return []
  return [invalidValue('spec.userData', hiddenValue, `cloud-init cannot tell what it is: it begins with ${userDataBeginnings}`)]
}

function validateImageAddress({ image, imageChecksum }: VpsSpec): StatusCause[] {
  const url = URL.canParse(image) ? new URL(image) : undefined
  if (!url || (url.protocol !== 'https:' && url.protocol !== 'file:'))
    return [invalidValue('spec.image', image, 'must be the name of a disk image, or an https:// or file:// address of one')]
  if (url.username || url.password) return [invalidValue('spec.image', hiddenValue, 'must have no user and no password in it')]
  if (url.protocol === 'file:' && (url.host || decodeURIComponent(url.pathname).includes('\0')))
    return [invalidValue('spec.image', image, 'must be file:// and an absolute path')]
  if (url.protocol === 'https:' && imageChecksum === undefined)
    return [requiredValue('spec.imageChecksum', 'what comes from elsewhere is compared before its first use')]
  return []
}

/** The type, the key in base64, and a comment. */
const publicKey = /^(ssh-ed25519|ssh-rsa|ecdsa-sha2-nistp(256|384|521)) [A-Za-z0-9+/]+={0,2}( [^\r\n]*)?$/

function validateSsh({ ssh }: VpsSpec): StatusCause[] {
  const causes: StatusCause[] = []
  if (ssh.mode === 'keys' && !ssh.authorizedKeys?.length)
    causes.push(requiredValue('spec.ssh.authorizedKeys', 'mode keys lets in whoever has one of them'))
  if (ssh.mode === 'disabled' && ssh.authorizedKeys?.length)
    causes.push(forbiddenField('spec.ssh.authorizedKeys', 'mode disabled lets nobody in'))
  if (ssh.mode !== 'generate' && ssh.secretName !== undefined)
    causes.push(forbiddenField('spec.ssh.secretName', 'only mode generate makes a key'))
  for (const [index, line] of (ssh.authorizedKeys ?? []).entries())
    if (!publicKey.test(line))
      causes.push(
        invalidValue(
          `spec.ssh.authorizedKeys[${index}]`,
          shown(line),
          line.startsWith('sk-')
            ? 'is a key of a security token, which the gateway cannot check; use one of type ssh-ed25519, ecdsa-sha2-nistp… or ssh-rsa'
            : 'must be a type, a key in base64 and a comment, as ssh-ed25519 AAAA… me@home',
        ),
      )
  return causes
}

/** People paste what they have at hand, and that may be a private key. */
const shown = (line: string) => (line.includes('PRIVATE KEY') ? '(a private key)' : line.slice(0, 40))

function validateSchedule({ snapshotPolicy }: VpsSpec): StatusCause[] {
  const { schedule, timeZone } = snapshotPolicy ?? {}
  const zone = { field: 'spec.snapshotPolicy.timeZone', value: timeZone ?? 'UTC' }
  if (schedule !== undefined) return scheduleCauses({ field: 'spec.snapshotPolicy.schedule', value: schedule }, zone)
  return timeZone === undefined ? [] : [forbiddenField(zone.field, 'there is no schedule that it could be of')]
}

/** What stays as it was: what the disk is, and where it lies. */
const fixed = [
  'backend',
  'image',
  'imageChecksum',
  'userData',
  'privileged',
  'command',
  'addressClaim',
  'nodeSelector',
  'affinity',
  'target',
] as const

function validateChange(spec: VpsSpec, old: VpsSpec): StatusCause[] {
  const causes = fixed
    .filter((field) => !sameValue(spec[field], old[field]))
    .map((field) => forbiddenField(`spec.${field}`, 'may not be changed; a new Vps may have another'))
  if (old.diskSize !== undefined && (spec.diskSize === undefined || memoryBytes(spec.diskSize) < memoryBytes(old.diskSize)))
    causes.push(forbiddenField('spec.diskSize', `a disk does not shrink; it has ${old.diskSize}`))
  return causes
}
