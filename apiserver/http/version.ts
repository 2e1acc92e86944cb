import { arch } from 'node:process'

/** What `GET /version` says. Clients compare major and minor with the Kubernetes release that they were built for. */
export const versionInfo = {
  major: '1',
  minor: '32',
  gitVersion: 'v1.32.0+millrace.0.1.0',
  gitCommit: '',
  gitTreeState: 'clean',
  buildDate: '1970-01-01T00:00:00Z',
  goVersion: '',
  compiler: 'node',
  platform: `linux/${arch === 'x64' ? 'amd64' : arch}`,
}
