/** All groups of checks, side by side. */
import type { Config } from "../config/config.ts";
import type { ConfigWarning } from "../config/layers.ts";
import { checkClock } from "./clock_checks.ts";
import { checkConfig } from "./config_checks.ts";
import { checkFront } from "./front_checks.ts";
import { findFront } from "./front_facts.ts";
import { checkLimits } from "./limit_checks.ts";
import { checkNames } from "./name_checks.ts";
import { checkPort } from "./port_checks.ts";
import type { Group } from "./report.ts";
import { systemWorld } from "./system_world.ts";
import { askTelegram, checkTelegram } from "./telegram_checks.ts";
import { Surroundings, type World } from "./world.ts";

export interface Patient {
  readonly config: Config;
  /** What messages call the configuration. */
  readonly file: string;
  readonly warnings: readonly ConfigWarning[];
}

/**
 * Begins with everything at once and gives the groups in the order in which they are to be shown, each as soon as it is done.
 * The last is done within 12 s, whoever is silent. None rejects but for a fault of our own.
 */
export function examine({ config, file, warnings }: Patient, world: World): readonly Promise<Group>[] {
  const surroundings = new Surroundings(config, world);
  const front = findFront(surroundings);
  const telegram = world.ways.map((way) => askTelegram(way, surroundings));
  const ways = world.ways.map(async (way, number) => {
    return checkTelegram(await telegram[number]!, { way, number, preferIp: config.preferIp });
  });
  return [
    Promise.resolve(checkConfig(config, file, warnings)),
    checkClock(surroundings, { front, telegram }),
    ...ways,
    checkFront(front, surroundings),
    checkNames(surroundings),
    checkPort(surroundings),
    checkLimits(surroundings),
  ];
}

/** Examines on this machine; gives each group of checks as soon as it and those before it are done. */
export async function* examineHere(patient: Patient): AsyncGenerator<Group> {
  using world = systemWorld(patient.config);
  const groups = examine(patient, world);
  // One that rejects is heard of when its turn comes.
  for (const group of groups) group.catch(() => {});
  for (const group of groups) yield await group;
}
