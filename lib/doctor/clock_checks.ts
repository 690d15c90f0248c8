/** The clock: a proxy whose clock is wrong takes its own clients for strangers. */
import { isIpv6 } from "../address.ts";
import type { FrontFacts } from "./front_facts.ts";
import { bad, type Check, good, type Group, note, warning } from "./report.ts";
import type { Reached } from "./telegram_checks.ts";
import { listed, reason, seconds } from "./words.ts";
import { budgetsMs, type ClockDifference, type Surroundings } from "./world.ts";

/** Parts of what is tolerated from which on the clock is not right any more, and from which on it is wrong. */
const warningFrom = 0.3;
const badFrom = 0.7;
const setIt = "let the system keep it: `timedatectl set-ntp true`, or install chrony; then look again";

/** Who is asked for other reasons, and tells the time too. */
export interface TimeWitnesses {
  readonly front: Promise<FrontFacts | undefined>;
  readonly telegram: readonly Promise<readonly Reached[]>[];
}

/**
 * By time servers. Where none answers, for UDP is blocked in many networks, by the fronted site, unless that is on this machine and
 * goes by the same clock; else by Telegram, whose time is what apps go by.
 */
export async function checkClock(surroundings: Surroundings, witnesses: TimeWitnesses): Promise<Group> {
  const { ntpServers, tolerateTimeSkewnessMs } = surroundings.config;
  const asked = await Promise.all(ntpServers.map((server) => askServer(surroundings, server)));
  const answered = asked.filter((one): one is Asked & { outcome: number } => typeof one.outcome === "number");
  const failures = asked.flatMap(({ outcome }) => outcome instanceof Error ? [outcome.message] : []);
  const silent = failures.length === 0
    ? []
    : [note("silent-servers", `no time from ${failures.join("; ")}`, "nothing, if the clock is right below")];
  const check = answered.length > 0
    ? judgeServers(answered, tolerateTimeSkewnessMs)
    : await judgeByOthers(surroundings, witnesses);
  return { id: "clock", title: "Clock", checks: [...silent, check] };
}

interface Asked {
  readonly server: string;
  /** How far our clock is ahead of it, or why that is not known. */
  readonly outcome: number | Error;
}

/** An address of each family, for one may be of no use here; whichever answers first counts. */
async function askServer(surroundings: Surroundings, server: string): Promise<Asked> {
  const { world } = surroundings;
  try {
    const all = await surroundings.resolve(server);
    const hosts = [all.find(isIpv6), all.find((host) => !isIpv6(host))].filter((host) => host !== undefined);
    const { aheadMs } = await surroundings.within(budgetsMs.time, async ({ signal }) => {
      const answered = new AbortController();
      const asking = { signal: AbortSignal.any([signal, answered.signal]) };
      try {
        return await Promise.any(hosts.map((host) => world.askTime(host, asking)));
      } finally {
        answered.abort();
      }
    });
    return { server, outcome: aheadMs };
  } catch (error) {
    const why = error instanceof AggregateError ? error.errors.map(reason).join(", ") : reason(error);
    return { server, outcome: new Error(`${server}: ${why}`) };
  }
}

async function judgeByOthers(surroundings: Surroundings, { front, telegram }: TimeWitnesses): Promise<Check> {
  const { tolerateTimeSkewnessMs } = surroundings.config;
  const date = await askSite(await front, surroundings);
  if (date !== undefined) return judge(date.aheadMs, "the fronted site (its Date header)", tolerateTimeSkewnessMs);
  const signs = (await Promise.all(telegram)).flat().flatMap(({ attempts }) => attempts.map(({ outcome }) => outcome));
  const offsets = signs.flatMap((sign) => sign instanceof Error ? [] : [sign.aheadMs]);
  if (offsets.length > 0) return judge(median(offsets), "Telegram", tolerateTimeSkewnessMs);
  const seen = "nobody told the time: no time server answers over UDP, nor does another site, nor Telegram";
  return warning("offset", seen, "compare `date -u` with a clock that you trust");
}

async function askSite(
  front: FrontFacts | undefined,
  surroundings: Surroundings,
): Promise<ClockDifference | undefined> {
  const { site, isHere } = front ?? {};
  if (site === undefined || isHere === true) return undefined;
  const { world } = surroundings;
  return await surroundings.within(budgetsMs.site, (asking) => world.askSiteDate(site, asking))
    .catch(() => undefined);
}

function judgeServers(answered: readonly (Asked & { readonly outcome: number })[], toleratedMs: number): Check {
  const offsets = answered.map(({ outcome }) => outcome);
  const by = listed(answered.map(({ server }) => server));
  const spreadMs = Math.max(...offsets) - Math.min(...offsets);
  return spreadMs > warningFrom * toleratedMs ? disagreement(by, spreadMs) : judge(median(offsets), by, toleratedMs);
}

function disagreement(servers: string, spreadMs: number): Check {
  const seen = `${servers} are ${seconds(spreadMs)} apart: one of them is wrong`;
  return warning("offset", seen, "name others in ntp-servers");
}

function judge(aheadMs: number, by: string, toleratedMs: number): Check {
  const part = Math.abs(aheadMs) / toleratedMs;
  const seen = `the clock is ${seconds(aheadMs)} ${aheadMs < 0 ? "behind" : "ahead of"} that of ${by}`;
  if (part < warningFrom) return good("offset", seen);
  const left = toleratedMs - Math.abs(aheadMs);
  const meaning = left > 0
    ? `${seen}, which leaves clients ${seconds(left)} of the ${seconds(toleratedMs)} that are tolerated`
    : `${seen}, and ${seconds(toleratedMs)} are tolerated: every client is taken for a stranger`;
  return part < badFrom ? warning("offset", meaning, setIt) : bad("offset", meaning, setIt);
}

/** Of an even number the mean of the two in the middle. */
function median(numbers: readonly number[]): number {
  const sorted = numbers.toSorted((a, b) => a - b);
  const middle = (sorted.length - 1) / 2;
  return (sorted[Math.floor(middle)]! + sorted[Math.ceil(middle)]!) / 2;
}
