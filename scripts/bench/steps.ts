/** Measurements of work that is repeated: transfers, round trips, connections. */
import type { Figure, Measure, Target } from "./measure.ts";
import { sampleOf } from "./measure.ts";

/** CPU and rate of bulk transfers. */
export function bulk(mode: "down" | "up", connections: number, most?: Target): Measure {
  const key = `${mode}-${connections}`;
  const where = `${mode}, ${connections} connection${connections === 1 ? "" : "s"}`;
  return {
    key,
    fresh: false,
    once: false,
    figures: [
      { key: `${key}-cpu`, label: `CPU per GB ${where}`, unit: "s", digits: 3, target: most },
      { key: `${key}-rate`, label: `rate ${where}`, unit: "GB/s", digits: 2 },
    ],
    async run(subject, rig) {
      const { result, cores, cpuSeconds } = await rig.load(subject, { mode, connections });
      const gigabytes = result.bytes / 1e9;
      const values = { [`${key}-cpu`]: cpuSeconds / gigabytes, [`${key}-rate`]: gigabytes / result.seconds };
      return sampleOf(values, result, cores);
    },
  };
}

/** CPU, rate and latency of round trips (`echo`) or of whole connections (`conn`). */
export function steps(
  mode: "echo" | "conn",
  connections: number,
  most: { readonly cpu?: Target; readonly p99?: Target },
): Measure {
  const key = `${mode}-${connections}`;
  const many = `${connections} connection${connections === 1 ? "" : "s"}`;
  const what = mode === "echo" ? `round trip, ${many}` : `new connection, ${connections} at a time`;
  return {
    key,
    fresh: false,
    once: false,
    figures: [
      { key: `${key}-cpu`, label: `CPU per ${what}`, unit: "µs", digits: 1, target: most.cpu },
      { key: `${key}-rate`, label: "… a second", unit: "/s", digits: 0 },
      ...latencies(key, most.p99),
      { key: `${key}-p999`, label: "… p999", unit: "ms", digits: 2 },
    ],
    async run(subject, rig) {
      const { result, cores, cpuSeconds } = await rig.load(subject, { mode, connections });
      const values = {
        [`${key}-cpu`]: cpuSeconds / result.done * 1e6,
        [`${key}-rate`]: result.done / result.seconds,
        [`${key}-p50`]: result.p50Ms,
        [`${key}-p99`]: result.p99Ms,
        [`${key}-p999`]: result.p999Ms,
      };
      return sampleOf(values, result, cores);
    },
  };
}

/** From `connect()` to the first bytes of the data centre, of clients that come one after the other. */
export function timeToFirstByte(): Measure {
  return {
    key: "ttfb",
    fresh: false,
    once: false,
    figures: [{ key: "ttfb-p50", label: "time to first byte, p50", unit: "ms", digits: 2 }, latencies("ttfb")[1]],
    async run(subject, rig) {
      const { result, cores } = await rig.load(subject, { mode: "conn", connections: 1 });
      return sampleOf({ "ttfb-p50": result.p50Ms, "ttfb-p99": result.p99Ms }, result, cores);
    },
  };
}

/** Transfers of all sizes both ways: whether all of them finish. */
export function stalls(transfers: number, seconds: number, most: Target): Measure {
  const connections = 8;
  return {
    key: "stalls",
    fresh: false,
    once: true,
    figures: [
      { key: "stalls-finished", label: "transfers of 0.1 to 8 MB that finished", unit: "", digits: 0 },
      { key: "stalls-unfinished", label: "… that did not", unit: "", digits: 0, target: most },
    ],
    async run(subject, rig) {
      const { result, cores } = await rig.load(subject, { mode: "mixed", connections, seconds, most: transfers });
      const values = { "stalls-finished": result.done, "stalls-unfinished": result.stalls + result.errors };
      return sampleOf(values, result, cores);
    },
  };
}

function latencies(key: string, p99?: Target): [Figure, Figure] {
  return [
    { key: `${key}-p50`, label: "… p50", unit: "ms", digits: 2 },
    { key: `${key}-p99`, label: "… p99", unit: "ms", digits: 2, target: p99 },
  ];
}
