export type SshLibrary = typeof import('ssh2')

/** The optional package that speaks SSH is not installed. */
export class SshUnavailable extends Error {
  override readonly name = 'SshUnavailable'
}

/** Rejects with SshUnavailable where the package is not installed. */
export async function loadSshLibrary(): Promise<SshLibrary> {
  try {
    return (await import('ssh2')).default
  } catch (cause) {
    throw new SshUnavailable('nobody can log in by SSH: the package ssh2 is not installed (npm install ssh2)', { cause })
  }
}
