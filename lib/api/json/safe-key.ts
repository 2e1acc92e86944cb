import { badRequest } from '../api-error.js'

/** Whether assigning to this key could reach a prototype. */
export function isForbiddenKey(key: string): boolean {
  return key === '__proto__' || key === 'constructor' || key === 'prototype'
}

/** Throws BadRequest for keys that could reach a prototype. Everything that writes keys which a client chose passes them here. */
export function assertSafeKey(key: string): void {
  if (isForbiddenKey(key)) throw badRequest(`the key "${key}" is not allowed`)
}
