/** `millrace/controller`: how to react to objects. */
export * from './finalizer.js'
export * from './owner-reference.js'
export * from './run-controller.js'
export * from './trigger.js'
