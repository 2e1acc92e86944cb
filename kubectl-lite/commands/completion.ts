/** `completion`: scripts that complete commands, flags, kinds and names in a shell. */
import { Command } from 'commander'
import type { DefineCommand } from '../cli/cli.js'
import { commandTable } from '../cli/command-table.js'
import { UsageError } from '../cli/exit-code.js'

export const completion: DefineCommand = (command, cli) => {
  command
    .argument('<shell>', 'bash or zsh')
    .addHelpText('after', '\nbash: source <(kubectl-lite completion bash)\nzsh:  source <(kubectl-lite completion zsh)')
    .action(async (shell: string) => {
      if (shell !== 'bash' && shell !== 'zsh') throw new UsageError(`"${shell}" is not supported: bash or zsh`)
      const words = new Map<string, Words>()
      for (const { name, load } of commandTable) {
        const shown = new Command(name)
        if (name !== 'completion') (await load())(shown, cli)
        const options = [shown, ...shown.commands].flatMap((one) => one.options).flatMap(({ long }) => (long ? [long] : []))
        words.set(name, {
          flags: [...new Set([...options, '--help', '--namespace', '--context', '--kubeconfig'])],
          followers: shown.commands.map((one) => one.name()),
        })
      }
      await cli.io.out(script(shell, words))
    })
}

/** What may stand behind the name of a command. */
interface Words {
  readonly flags: readonly string[]
  readonly followers: readonly string[]
}

function script(shell: 'bash' | 'zsh', words: ReadonlyMap<string, Words>): string {
  const cases = [...words]
    .map(([name, { flags, followers }]) => `    ${name}) flags="${flags.join(' ')}" followers="${followers.join(' ')}" ;;`)
    .join('\n')
  return `${shell === 'zsh' ? 'autoload -U +X bashcompinit && bashcompinit\n' : ''}# Completes kubectl-lite; made by: kubectl-lite completion ${shell}
_kubectl_lite() {
  local current="\${COMP_WORDS[COMP_CWORD]}" command="\${COMP_WORDS[1]}" previous="\${COMP_WORDS[COMP_CWORD-1]}" flags="" followers=""
  COMPREPLY=()
  if [ "$COMP_CWORD" -eq 1 ]; then
    COMPREPLY=($(compgen -W "${[...words.keys()].join(' ')}" -- "$current"))
    return
  fi
  case "$command" in
${cases}
  esac
  case "$current" in
    -*) COMPREPLY=($(compgen -W "$flags" -- "$current")); return ;;
  esac
  case "$previous" in
    -f|--filename|--kubeconfig|--patch-file|--directory|--millrace) COMPREPLY=($(compgen -f -- "$current")); return ;;
    -n|--namespace) COMPREPLY=($(compgen -W "$(kubectl-lite get namespaces -o custom-columns=N:.metadata.name --no-headers 2>/dev/null)" -- "$current")); return ;;
  esac
  if [ "$COMP_CWORD" -eq 2 ] && [ -n "$followers" ]; then
    COMPREPLY=($(compgen -W "$followers" -- "$current"))
    return
  fi
  if [[ "$current" == */* ]]; then
    local kind="\${current%%/*}"
    COMPREPLY=($(compgen -P "$kind/" -W "$(kubectl-lite get "$kind" -o custom-columns=N:.metadata.name --no-headers 2>/dev/null)" -- "\${current#*/}"))
    return
  fi
  case "$command" in
    rollout) COMPREPLY=($(compgen -P deployment/ -W "$(kubectl-lite get deployments -o custom-columns=N:.metadata.name --no-headers 2>/dev/null)" -- "$current")) ;;
    completion) COMPREPLY=($(compgen -W "bash zsh" -- "$current")) ;;
    logs) COMPREPLY=($(compgen -W "$(kubectl-lite get tasks -o custom-columns=N:.metadata.name --no-headers 2>/dev/null)" -- "$current")) ;;
    cordon|uncordon|drain) COMPREPLY=($(compgen -W "$(kubectl-lite get nodes -o custom-columns=N:.metadata.name --no-headers 2>/dev/null)" -- "$current")) ;;
    get|describe|delete|edit|wait|patch|scale|label|annotate|why|history|explain)
      if [ "$COMP_CWORD" -eq 2 ]; then
        COMPREPLY=($(compgen -W "$(kubectl-lite api-resources -o name 2>/dev/null)" -- "$current"))
      else
        COMPREPLY=($(compgen -W "$(kubectl-lite get "\${COMP_WORDS[2]}" -o custom-columns=N:.metadata.name --no-headers 2>/dev/null)" -- "$current"))
      fi ;;
  esac
}
complete -o default -F _kubectl_lite kubectl-lite
`
}
