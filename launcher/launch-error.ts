/** Something that the user can mend. Its message is a plain sentence that says what is wrong and what to do. */
export class LaunchError extends Error {
  override readonly name = 'LaunchError'
}
