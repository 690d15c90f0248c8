import { patient } from "./patience.ts";

/** Tests that wait until something is as they want it, told by whoever changes it. */
export class Watchers {
  readonly #looks = new Set<() => void>();

  /** Something has changed. */
  notify(): void {
    for (const look of this.#looks) look();
  }

  /** Resolves when something changes next. */
  async changed(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#looks.add(resolve);
    await promise;
    this.#looks.delete(resolve);
  }

  /**
   * Resolves once `isSo` says yes; it may throw, which ends the waiting.
   *
   * @throws {Error} What `late` says, if that takes longer than `patient(limitMs)`.
   */
  async until(isSo: () => boolean, limitMs: number, late: () => string): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const look = () => {
      try {
        if (isSo()) resolve();
      } catch (error) {
        reject(error);
      }
    };
    const timer = setTimeout(() => reject(new Error(late())), patient(limitMs));
    this.#looks.add(look);
    look();
    try {
      await promise;
    } finally {
      clearTimeout(timer);
      this.#looks.delete(look);
    }
  }
}
