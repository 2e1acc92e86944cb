import { UsageError } from '../../cli/exit-code.js'

/** Words of `set`: first the objects, then what is set. */
export interface SetWords {
  readonly objects: readonly string[]
  readonly settings: readonly string[]
}

/** Splits at the first word that is a setting. Throws UsageError when there is none. */
export function splitWords(words: readonly string[], isSetting: (word: string) => boolean, example: string): SetWords {
  const start = words.findIndex(isSetting)
  if (start < 0) throw new UsageError(`say what to set: kubectl-lite set ${example}`)
  const objects = words.slice(0, start)
  const settings = words.slice(start)
  const wrong = settings.find((word) => !isSetting(word))
  if (wrong !== undefined) throw new UsageError(`"${wrong}" sets nothing: kubectl-lite set ${example}`)
  return { objects, settings }
}
