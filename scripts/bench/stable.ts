/** The subjects of a run: who starts them, and when they end. */
import { failedSample, type Measure, type Sample } from "./measure.ts";
import type { SubjectSpec } from "./peers.ts";
import { type Rig, warmUp } from "./rig.ts";
import { Subject, SubjectGone } from "./subject.ts";

/** Starts the subjects: those that live through the whole run, and those that live for one measurement. */
export class Stable implements AsyncDisposable {
  readonly #rig: Rig;
  readonly #lasting = new Map<SubjectSpec, Subject>();
  readonly #all = new Set<Subject>();
  /** Why a subject cannot be started; that is tried once. */
  readonly #dead = new Map<SubjectSpec, string>();

  constructor(rig: Rig) {
    this.#rig = rig;
  }

  /** Measures `spec` once; a subject that cannot be started or dies of it gives a failed sample. */
  async measure(measure: Measure, spec: SubjectSpec, dc: string): Promise<Sample> {
    this.#rig.dc.subject = spec.name;
    const dead = this.#dead.get(spec);
    if (dead !== undefined) return failedSample(dead);
    let subject: Subject | undefined;
    try {
      subject = (measure.fresh ? undefined : this.#lasting.get(spec)) ?? await this.#start(spec, dc);
      if (!measure.fresh) await this.#keep(subject);
      return await measure.run(subject, this.#rig);
    } catch (error) {
      if (!(error instanceof SubjectGone)) throw error;
      if (subject === undefined) this.#dead.set(spec, error.message);
      else await this.#end(subject);
      return failedSample(`${measure.key}: ${error.message}`);
    } finally {
      if (measure.fresh && subject !== undefined) await this.#end(subject);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const subject of this.#all) await this.#end(subject);
  }

  async #start(spec: SubjectSpec, dc: string): Promise<Subject> {
    const subject = await Subject.start(spec, dc, this.#rig.secret);
    this.#all.add(subject);
    return subject;
  }

  async #keep(subject: Subject): Promise<void> {
    if (this.#lasting.has(subject.spec)) return;
    this.#lasting.set(subject.spec, subject);
    await warmUp(subject, this.#rig, 1);
  }

  async #end(subject: Subject): Promise<void> {
    this.#all.delete(subject);
    if (this.#lasting.get(subject.spec) === subject) this.#lasting.delete(subject.spec);
    await subject[Symbol.asyncDispose]();
  }
}
