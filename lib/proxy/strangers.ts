/** Whoever may have to make room. */
interface Stranger {
  stop(reason: string): void;
}

/**
 * Connections that have not proven the secret: they shake hands, or have been handed to the fronted site.
 *
 * Anyone can open as many as he likes, so they must not take the places of clients: they have a limit of their own, and no
 * newcomer is refused because of it. Where there are too many, one that has sent nothing yet makes room, the oldest first; where
 * all have sent something, the oldest of them.
 */
export class Strangers<T extends Stranger> {
  readonly #silent = new Set<T>();
  readonly #heard = new Set<T>();
  readonly atMost: number;

  /** @throws {RangeError} If `atMost` is not a positive integer. */
  constructor(atMost: number) {
    if (!Number.isInteger(atMost) || atMost < 1) throw new RangeError(`Strangers need a positive limit, not ${atMost}`);
    this.atMost = atMost;
  }

  get count(): number {
    return this.#silent.size + this.#heard.size;
  }

  /** Takes one in that has sent nothing yet; another one makes room for it if need be. */
  add(stranger: T): void {
    if (this.count >= this.atMost) this.#yieldOne();
    this.#silent.add(stranger);
  }

  /** One has sent its first byte. */
  heard(stranger: T): void {
    if (this.#silent.delete(stranger)) this.#heard.add(stranger);
  }

  /** What has come from one was not its own: it has said nothing since it came, which is now. */
  unheard(stranger: T): void {
    if (this.#heard.delete(stranger)) this.#silent.add(stranger);
  }

  /** One is gone, or is a stranger no more. */
  delete(stranger: T): void {
    if (!this.#silent.delete(stranger)) this.#heard.delete(stranger);
  }

  /**
   * Stops up to `most` at once, but no more than the older half: whoever has just come must have time to speak. Those that have
   * said something are spared while several have not.
   *
   * @returns How many had to go.
   */
  yieldOlder(most: number): number {
    const crowd = this.#silent.size > 1 ? this.#silent : this.#heard;
    const older = [...crowd].slice(0, Math.min(most, Math.floor(crowd.size / 2)));
    for (const each of older) this.#yield(each);
    return older.length;
  }

  #yieldOne(): void {
    const [next] = this.#silent.size > 0 ? this.#silent : this.#heard;
    if (next !== undefined) this.#yield(next);
  }

  #yield(stranger: T): void {
    this.delete(stranger);
    stranger.stop("yielded");
  }
}
