/** What the machine must have before packages can be installed, and the one command that installs what it lacks. */
import { accessSync, constants, existsSync } from 'node:fs'
import path from 'node:path'

/** Something that the user can mend; its message is a plain sentence that says how. */
export class SetupError extends Error {}

const oldestNode = [20, 19]

export function checkNode() {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)
  if (major < oldestNode[0] || (major === oldestNode[0] && minor < oldestNode[1]))
    throw new SetupError(
      `Millrace needs Node ${oldestNode.join('.')} or newer, and this is ${process.version}. Install one from https://nodejs.org/en/download, then run this again.`,
    )
}

/** The folder that holds include/node beside the Node in use, or undefined: node-gyp then downloads the headers. */
export function nodeHeaders(nodePath = process.execPath) {
  const prefix = path.resolve(path.dirname(nodePath), '..')
  return existsSync(path.join(prefix, 'include/node/node_api.h')) ? prefix : undefined
}

/** What sqlite3's compile needs. */
const tools = [
  { command: 'make', apt: 'make', dnf: 'make', apk: 'make' },
  { command: 'g++', apt: 'g++', dnf: 'gcc-c++', apk: 'g++' },
  { command: 'python3', apt: 'python3', dnf: 'python3', apk: 'python3' },
]
const installers = [
  { command: 'apt-get', name: 'apt', line: 'apt-get install -y' },
  { command: 'dnf', name: 'dnf', line: 'dnf install -y' },
  { command: 'apk', name: 'apk', line: 'apk add' },
]

/** Throws a SetupError that names everything missing and the one command that installs it. */
export function checkCompiler() {
  const missing = tools.filter((tool) => !isOnPath(tool.command))
  const lacksHeaders = nodeHeaders() === undefined && path.dirname(process.execPath) === '/usr/bin' && isOnPath('apt-get')
  if (missing.length === 0 && !lacksHeaders) return
  const names = [...missing.map((tool) => tool.command), ...(lacksHeaders ? ["Node's headers"] : [])]
  const what = `The store's SQLite driver is compiled when it is installed, and this machine lacks ${listWords(names)}.`
  throw new SetupError(
    `${what}\nInstall ${names.length === 1 ? 'it' : 'them'}, then run this again:\n\n  ${installLine(missing, lacksHeaders)}\n`,
  )
}

function installLine(missing, lacksHeaders) {
  if (process.platform === 'darwin') return 'xcode-select --install'
  const installer = installers.find((each) => isOnPath(each.command)) ?? installers[0]
  const packages = [...missing.map((tool) => tool[installer.name]), ...(lacksHeaders ? ['libnode-dev'] : [])]
  return `${process.getuid?.() === 0 ? '' : 'sudo '}${installer.line} ${packages.join(' ')}`
}

function isOnPath(command) {
  return (process.env.PATH ?? '').split(path.delimiter).some((folder) => {
    try {
      accessSync(path.join(folder, command), constants.X_OK)
      return true
    } catch {
      return false
    }
  })
}

function listWords(words) {
  return words.length < 2 ? words.join('') : `${words.slice(0, -1).join(', ')} and ${words.at(-1)}`
}
