/** Where the server is in its life; readyz and the listeners look at it. */
export class ServerLife {
  #draining = false

  get isDraining(): boolean {
    return this.#draining
  }

  /** From now on the server says that it is not ready, and that connections end with their answers. */
  beginDraining(): void {
    this.#draining = true
  }
}
