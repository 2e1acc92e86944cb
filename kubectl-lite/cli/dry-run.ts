import { Option } from 'commander'

export type DryRun = 'none' | 'client' | 'server'

/** `--dry-run=client|server`; the bare flag means client. */
export function dryRunOption(): Option {
  return new Option('--dry-run [where]', 'change nothing: client prints what would be sent, server lets the server judge it')
    .choices(['none', 'client', 'server'])
    .preset('client')
    .default('none')
}

/** `task.millrace.dev/hello created (dry run)` */
export function printDone(subject: string, verb: string, dryRun: DryRun): string {
  const note = { none: '', client: ' (dry run)', server: ' (server dry run)' }[dryRun]
  return `${subject} ${verb}${note}\n`
}
