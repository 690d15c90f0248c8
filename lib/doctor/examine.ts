/** All groups of checks, side by side. */
import type { Config } from "../config/config.ts";
import { checkClock } from "./clock_checks.ts";
import { checkConfig, type Remark } from "./config_checks.ts";
import { checkFront } from "./front_checks.ts";
import { lookAtFront } from "./front_facts.ts";
import { checkLimits } from "./limit_checks.ts";
import { checkNames } from "./name_checks.ts";
import { checkPort } from "./port_checks.ts";
import type { Group } from "./report.ts";
import { checkTelegram } from "./telegram_checks.ts";
import { budgetsMs, Surroundings, type World } from "./world.ts";

export interface Patient {
  readonly config: Config;
  /** What messages call the configuration. */
  readonly file: string;
  readonly remarks: readonly Remark[];
}

/**
 * Begins with everything at once and gives the groups in the order in which they are to be shown, each as soon as it is done.
 * The last is done within 12 s, whoever is silent. None rejects but for a fault of our own.
 */
export function examine({ config, file, remarks }: Patient, world: World): readonly Promise<Group>[] {
  const over = new AbortController();
  const surroundings = new Surroundings(config, world, over.signal);
  const tooLate = new Error(`no answer within ${budgetsMs.all / 1000} s`);
  const front = lookAtFront(surroundings);
  const siteDate = async () => {
    const date = (await front)?.tls?.date;
    return date?.ok === true ? date.value : undefined;
  };
  const groups = [
    Promise.resolve(checkConfig(config, file, remarks)),
    checkClock(surroundings, siteDate),
    ...world.ways.map((way, number) => checkTelegram(surroundings, way, number)),
    front.then((facts) => checkFront(facts, surroundings)),
    checkNames(surroundings),
    checkPort(surroundings),
    checkLimits(surroundings),
  ];
  const done = new AbortController();
  world.clock.sleep(budgetsMs.all, done.signal).then(() => over.abort(tooLate), () => {});
  Promise.allSettled(groups).then(() => done.abort());
  return groups;
}
