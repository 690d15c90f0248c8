/** Looks names up. */
export interface Resolver {
  /**
   * The IP addresses of `host`, of both families, in the order of the answer; an IP literal is its own address. Never empty.
   *
   * @throws {Error} If there is none, or nobody answers in time; it says which name and why. The reason of `signal` if it aborts.
   */
  resolve(host: string, options: { readonly signal: AbortSignal }): Promise<readonly string[]>;
}
