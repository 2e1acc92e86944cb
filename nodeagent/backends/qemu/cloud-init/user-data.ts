/**
 * The user data of a machine: what its owner asked for, then ours. cloud-init takes the parts in their order and merges later ones into
 * earlier: ours say in `merge_how` that the host key is the agent's whatever the owner wrote, and that commands are added to the owner's.
 */
import { createHash } from 'node:crypto'
import { userDataFormat } from '../../../../lib/api/user-data.js'

export interface OurUserData {
  readonly hostKey: { readonly private: string; readonly public: string }
  /** Lines of authorized_keys of root, the agent's own among them. */
  readonly rootKeys: readonly string[]
}

/** The file user-data of a seed. */
export function userDataFile(owners: string | undefined, ours: OurUserData): string {
  const parts = [...(owners === undefined ? [] : [ownersPart(owners)]), cloudConfig(hostKeyConfig(ours)), cloudConfig(rootKeysConfig(ours))]
  const boundary = `millrace-${createHash('sha256').update(parts.join('')).digest('hex').slice(0, 32)}`
  return [
    `Content-Type: multipart/mixed; boundary="${boundary}"`,
    'MIME-Version: 1.0',
    '',
    ...parts.map((part) => `--${boundary}\n${part}`),
    `--${boundary}--`,
    '',
  ].join('\n')
}

/** cloud-init looks itself at what is called text/plain; a multi-part text is a part as it is, its own headers first. */
function ownersPart(text: string): string {
  if (userDataFormat(text) === 'multipart') return text
  return `Content-Type: text/plain; charset="utf-8"\nMIME-Version: 1.0\nContent-Transfer-Encoding: 8bit\n\n${text}\n`
}

/** JSON is YAML, and nothing in it needs an escape of another sort. */
function cloudConfig(config: object): string {
  return `Content-Type: text/cloud-config; charset="utf-8"\nMIME-Version: 1.0\nContent-Transfer-Encoding: 8bit\n\n#cloud-config\n${JSON.stringify(config, undefined, 1)}\n`
}

function hostKeyConfig({ hostKey }: OurUserData): object {
  return {
    merge_how: 'dict(replace)+list()+str()',
    disable_root: false,
    ssh_deletekeys: true,
    ssh_keys: { ed25519_private: hostKey.private, ed25519_public: hostKey.public },
  }
}

/**
 * Keys are written at each boot, so that a change of them reaches a machine at its next start: cloud-init's own keys are written at the
 * first boot alone. Lines outside of the marks are the owner's.
 */
function rootKeysConfig({ rootKeys }: OurUserData): object {
  const begin = '# keys of the control plane, written at each boot'
  const end = '# end of the keys of the control plane'
  const script = [
    'umask 077',
    'mkdir -p /root/.ssh',
    'file=/root/.ssh/authorized_keys',
    'touch "$file"',
    `sed '/^${begin}$/,/^${end}$/d' "$file" >"$file.new"`,
    'cat >>"$file.new"',
    'mv "$file.new" "$file"',
  ].join('\n')
  const lines = [begin, ...rootKeys, end].map((line) => shellQuote(line)).join(' ')
  return {
    merge_how: 'dict(no_replace,recurse_list)+list(append)+str()',
    bootcmd: [['sh', '-c', `printf '%s\\n' ${lines} | (\n${script}\n)`]],
  }
}

/** A word of a shell's command line that stands for the text itself. */
export function shellQuote(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`
}
