/**
 * One line that says what is going on and for how long: rewritten each second on a terminal, a new line every 20 s elsewhere. On standard
 * error, which is where messages go.
 */
export function startProgress(what, detail = () => '') {
  const startMs = Date.now()
  const terminal = process.stderr.isTTY
  const line = () => {
    const more = detail()
    return `${what} … ${Math.round((Date.now() - startMs) / 1000)} s${more ? ` (${more})` : ''}`
  }
  process.stderr.write(terminal ? line() : `${what} …\n`)
  const timer = setInterval(() => process.stderr.write(terminal ? `\r\x1b[K${line()}` : `${line()}\n`), terminal ? 1000 : 20_000)
  return {
    stop(outcome) {
      clearInterval(timer)
      process.stderr.write(`${terminal ? '\r\x1b[K' : ''}${what}: ${outcome} after ${Math.round((Date.now() - startMs) / 1000)} s\n`)
    },
  }
}
