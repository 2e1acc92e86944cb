#!/usr/bin/env node
/**
 * What `npm run quickstart`, `up`, `down` and `build` start with. It runs before anything is installed, so it and the files in setup/ are
 * plain JavaScript on Node's own modules: it looks for what the machine lacks, installs the packages, builds dist/ when sources changed,
 * and hands over to the built launcher.
 *
 *     node launcher/setup.mjs quickstart
 */
import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import path from 'node:path'
import { build, isBuilt } from './setup/build.mjs'
import { installPackages } from './setup/packages.mjs'
import { checkNode, SetupError } from './setup/requirements.mjs'

const root = path.resolve(import.meta.dirname, '..')
const [command = '', ...args] = process.argv.slice(2)

/** Ends with the launcher's own exit code; signals reach it because it shares our terminal and process group. */
function runLauncher() {
  const child = spawn(process.execPath, ['--enable-source-maps', path.join(root, 'dist/launcher/main.js'), command, ...args], {
    stdio: 'inherit',
  })
  for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => child.kill(signal))
  child.on('error', (error) => fail(error))
  child.on('exit', (code) => process.exit(code ?? 1))
}

function fail(error) {
  process.stderr.write(`${error instanceof SetupError ? error.message : (error.stack ?? error)}\n`)
  process.exit(1)
}

try {
  checkNode()
  switch (command) {
    case 'install':
      await installPackages(root)
      break
    case 'build':
      await installPackages(root)
      await build(root, { always: args.includes('--always') })
      break
    case 'down':
      // What runs is stopped with what is built; nothing is installed for it.
      if (!isBuilt(root) || !existsSync(path.join(root, 'node_modules'))) {
        await installPackages(root)
        await build(root)
      }
      runLauncher()
      break
    case 'quickstart':
    case 'up':
      await installPackages(root)
      await build(root)
      runLauncher()
      break
    default:
      throw new SetupError(`unknown command "${command}"; use npm run quickstart, up, down or build`)
  }
} catch (error) {
  fail(error)
}
