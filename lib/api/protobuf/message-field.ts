/** How one field of a message is read, and short names for the kinds of fields that there are. */

interface Common {
  readonly name: string
  readonly repeated?: boolean
  /** Whether a zero says something: a pointer in Go. */
  readonly keepZero?: boolean
}

export type Field = Common &
  (
    | { readonly type: 'string' | 'int' | 'bool' | 'bytes' | 'base64' | 'time' | 'microTime' | 'wrappedJson' | 'quantity' | 'intOrString' }
    | { readonly type: 'map'; readonly values: 'string' | 'base64' | 'quantity' | 'time' }
    /** `inline`: the members stand beside the others, as an embedded struct of Go has them in JSON. */
    | { readonly type: 'message'; readonly message: Message; readonly inline?: boolean }
  )

export interface Message {
  readonly [number: number]: Field
  /** The message's name, where a field that is not listed may not be passed over: it would change what is run. */
  readonly closed?: string
}

export const text = (name: string): Field => ({ name, type: 'string' })
export const texts = (name: string): Field => ({ name, type: 'string', repeated: true })
export const int = (name: string): Field => ({ name, type: 'int' })
export const bool = (name: string): Field => ({ name, type: 'bool' })
export const optionalInt = (name: string): Field => ({ name, type: 'int', keepZero: true })
export const optionalText = (name: string): Field => ({ name, type: 'string', keepZero: true })
export const optionalBool = (name: string): Field => ({ name, type: 'bool', keepZero: true })
export const time = (name: string): Field => ({ name, type: 'time' })
export const microTime = (name: string): Field => ({ name, type: 'microTime' })
export const texted = (name: string): Field => ({ name, type: 'map', values: 'string' })
export const binaries = (name: string): Field => ({ name, type: 'map', values: 'base64' })
export const quantities = (name: string): Field => ({ name, type: 'map', values: 'quantity' })
export const times = (name: string): Field => ({ name, type: 'map', values: 'time' })
export const base64 = (name: string): Field => ({ name, type: 'base64' })
export const quantity = (name: string): Field => ({ name, type: 'quantity' })
export const intOrString = (name: string): Field => ({ name, type: 'intOrString', keepZero: true })
export const one = (name: string, message: Message): Field => ({ name, type: 'message', message })
export const keptMessage = (name: string, message: Message): Field => ({ name, type: 'message', message, keepZero: true })
export const many = (name: string, message: Message): Field => ({ name, type: 'message', message, repeated: true })
export const inlined = (message: Message): Field => ({ name: '', type: 'message', message, inline: true })
