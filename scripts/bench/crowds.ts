/** Measurements of many clients at once, and of very many in a row. */
import type { Measure, Sample, Target } from "./measure.ts";
import { sampleOf } from "./measure.ts";

/** Before memory is read for the first time, so that what every process loads late is there. */
const firstConnections = 50;
const soakSeconds = 600;
const soakParts = 5;
const clientsBesideSilent = 10;

/** Memory with silent clients: at each of `levels`, ascending, in one process. */
export function idle(levels: readonly number[], targets: ReadonlyMap<number, Target>): Measure {
  const all = levels.at(-1) ?? 0;
  return {
    key: "idle",
    fresh: true,
    once: false,
    figures: levels.flatMap((level) => {
      const clients = `${level.toLocaleString("en")} idle clients`;
      const target = targets.get(level);
      return [
        { key: `idle-${level}-total`, label: `memory with ${clients}`, unit: "MB", digits: 1, target },
        { key: `idle-${level}-each`, label: "… each, above that without", unit: "KB", digits: 1 },
      ];
    }),
    async run(subject, rig) {
      const values: Record<string, number> = {};
      const pending = levels.values();
      let without = NaN;
      await rig.load(subject, { mode: "conn", connections: 8, most: firstConnections });
      const job = { mode: "idle", connections: all, levels } as const;
      const { result, cores } = await rig.load(subject, job, async (event) => {
        const memory = await rig.restingMemory(subject);
        if (event.event === "ready") {
          without = memory;
          values["idle-before"] = memory / 1e6;
          return;
        }
        const level = pending.next().value;
        if (level === undefined || event.open < level) return;
        values[`idle-${level}-total`] = memory / 1e6;
        values[`idle-${level}-each`] = (memory - without) / level / 1e3;
      });
      const missing = all - result.done;
      if (missing > 0) {
        delete values[`idle-${all}-total`];
        delete values[`idle-${all}-each`];
      }
      return { ...sampleOf(values, result, cores), errors: Math.max(result.errors, missing - result.stalls) };
    },
  };
}

/** How long it takes until all of very many clients that come at once are served. */
export function burst(connections: number, most: Target): Measure {
  const label = `${connections.toLocaleString("en")} clients at once: all served after`;
  return {
    key: "burst",
    fresh: true,
    once: false,
    figures: [
      { key: "burst-all", label, unit: "s", digits: 2, target: most },
      { key: "burst-p50", label: "… half of them after", unit: "s", digits: 2 },
    ],
    async run(subject, rig) {
      await rig.load(subject, { mode: "conn", connections: 8 });
      const { result, cores } = await rig.load(subject, { mode: "burst", connections });
      const values = {
        "burst-all": result.done === connections ? result.seconds : NaN,
        "burst-p50": result.p50Ms / 1000,
      };
      return sampleOf(values, result, cores);
    },
  };
}

/** How long a client takes to get in while very many sockets say nothing. */
export function silent(connections: number, most: Target): Measure {
  const label = `beside ${connections.toLocaleString("en")} silent sockets: a client is served within`;
  return {
    key: "silent",
    fresh: true,
    once: false,
    figures: [{ key: "silent-worst", label, unit: "s", digits: 3, target: most }],
    async run(subject, rig) {
      const job = { mode: "silent", connections, most: clientsBesideSilent } as const;
      const { result, cores } = await rig.load(subject, job);
      const values = { "silent-worst": result.done === clientsBesideSilent ? result.p999Ms / 1000 : NaN };
      return sampleOf(values, result, cores);
    },
  };
}

/** Memory after very many connections have come and gone. */
export function soak(connections: number, most: Target): Measure {
  return {
    key: "soak",
    fresh: true,
    once: true,
    figures: [
      { key: "soak-first", label: "memory after the first fifth of the soak", unit: "MB", digits: 1 },
      { key: "soak-last", label: "memory after all of it", unit: "MB", digits: 1 },
      { key: "soak-growth", label: "… to that after the first fifth", unit: "×", digits: 3, target: most },
    ],
    async run(subject, rig) {
      const memory: number[] = [];
      const parts: Sample[] = [];
      for (let part = 1; part <= soakParts; part++) {
        const job = { mode: "conn", connections, seconds: soakSeconds, most: rig.scale.soakConnections / soakParts };
        const { result, cores } = await rig.load(subject, { ...job, mode: "conn" });
        memory.push(await rig.restingMemory(subject) / 1e6);
        parts.push(sampleOf({ [`soak-${part}`]: memory.at(-1) ?? NaN }, result, cores));
      }
      const [first = NaN, last = NaN] = [memory[0], memory.at(-1)];
      const values = { "soak-first": first, "soak-last": last, "soak-growth": last / first };
      return joined(parts, values);
    },
  };
}

function joined(parts: readonly Sample[], values: Sample["values"]): Sample {
  return {
    values: Object.assign({}, ...parts.map((part) => part.values), values),
    stalls: parts.reduce((sum, part) => sum + part.stalls, 0),
    errors: parts.reduce((sum, part) => sum + part.errors, 0),
    faults: parts.flatMap((part) => part.faults),
    cores: parts.at(-1)?.cores ?? { subject: NaN, loader: NaN, dc: NaN },
  };
}
