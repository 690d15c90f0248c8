/** The kinds of measurement, and what this proxy is to reach in them. */
import { burst, idle, silent, soak } from "./crowds.ts";
import type { Measure, Target } from "./measure.ts";
import type { Scale } from "./scale.ts";
import { bulk, stalls, steps, timeToFirstByte } from "./steps.ts";

/** What `--only` takes. */
export const kinds = [
  "down",
  "up",
  "echo",
  "conn",
  "ttfb",
  "stalls",
  "idle",
  "burst",
  "silent",
  "soak",
] as const;

export type Kind = (typeof kinds)[number];

/** What is measured when nothing is said: all but what takes minutes. */
export const usualKinds: readonly Kind[] = kinds.filter((kind) => kind !== "soak");

/** What delay has to do with. */
export const delayedKinds: readonly Kind[] = ["down", "up", "echo", "conn", "ttfb"];

const timesFloor = (most: number): Target => ({ of: "floor", most });
const absolute = (most: number): Target => ({ of: "absolute", most });

const targets = {
  down: timesFloor(1.35),
  up: timesFloor(3.3),
  roundTrip: timesFloor(1.15),
  roundTripP99: timesFloor(1.2),
  connection: timesFloor(1.7),
  idle: new Map([[4000, absolute(125)], [9000, absolute(240)]]),
  unfinished: absolute(0),
  burstSeconds: absolute(3),
  silentSeconds: absolute(1),
  soakGrowth: absolute(1.05),
} as const;

/** So long a subject may take for the transfers of `stalls`; what has not been begun by then is left out. */
const stallsSeconds = 60;

/** The measurements of `kind`; `full` has other numbers of connections than that of the targets too. */
export function measuresOf(kind: Kind, scale: Scale, full: boolean): Measure[] {
  switch (kind) {
    case "down":
    case "up":
      return (full ? [1, 8, 64] : [8]).map((count) => bulk(kind, count, count === 8 ? targets[kind] : undefined));
    case "echo":
      return [
        ...full ? [steps("echo", 1, {})] : [],
        steps("echo", 32, { cpu: targets.roundTrip, p99: targets.roundTripP99 }),
        steps("echo", 256, { cpu: targets.roundTrip }),
      ];
    case "conn":
      return [steps("conn", 8, { cpu: targets.connection })];
    case "ttfb":
      return [timeToFirstByte()];
    case "stalls":
      return [stalls(scale.mixedTransfers, stallsSeconds, targets.unfinished)];
    case "idle":
      return scale.idleLevels.length === 0 ? [] : [idle(scale.idleLevels, targets.idle)];
    case "burst":
      return [burst(scale.burstClients, targets.burstSeconds)];
    case "silent":
      return [silent(scale.silentSockets, targets.silentSeconds)];
    case "soak":
      return [soak(16, targets.soakGrowth)];
  }
}
