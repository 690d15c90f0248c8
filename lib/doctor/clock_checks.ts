/** The clock: a proxy whose clock is wrong takes its own clients for strangers. */
import { messageOf } from "../errors.ts";
import { bad, type Check, good, type Group, note, warning } from "./report.ts";
import { listed, seconds } from "./words.ts";
import { budgetsMs, type ClockDifference, type Site, type Surroundings } from "./world.ts";

/** Parts of what is tolerated from which on the clock is not right any more, and from which on it is wrong. */
const warningFrom = 0.3;
const badFrom = 0.7;
const addressesAtMost = 4;
const setIt = "let the system keep it: `timedatectl set-ntp true`, or install chrony; then look again";

/** `findSite` gives the fronted site, which is asked where no time server answers. */
export async function checkClock(
  surroundings: Surroundings,
  findSite: () => Promise<Site | undefined>,
): Promise<Group> {
  const { ntpServers, tolerateTimeSkewnessMs } = surroundings.config;
  const asked = await Promise.all(ntpServers.map((server) => askServer(surroundings, server)));
  const answered = asked.filter((one): one is Asked & { outcome: number } => typeof one.outcome === "number");
  const failures = asked.flatMap(({ outcome }) => outcome instanceof Error ? [outcome.message] : []);
  const silent = failures.length === 0
    ? []
    : [note("silent-servers", `no time from ${failures.join("; ")}`, "nothing, if the clock is right below")];
  const check = answered.length > 0
    ? judgeServers(answered, tolerateTimeSkewnessMs)
    : judgeSite(await askSite(surroundings, findSite), tolerateTimeSkewnessMs);
  return { id: "clock", title: "Clock", checks: [...silent, check] };
}

interface Asked {
  readonly server: string;
  /** How far our clock is ahead of it, or why that is not known. */
  readonly outcome: number | Error;
}

/** Whichever of its addresses answers first: one family may be of no use here. */
async function askServer(surroundings: Surroundings, server: string): Promise<Asked> {
  const { world } = surroundings;
  try {
    const hosts = (await surroundings.resolve(server)).slice(0, addressesAtMost);
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
    const why = error instanceof AggregateError ? error.errors.map(messageOf).join(", ") : messageOf(error);
    return { server, outcome: new Error(`${server}: ${why}`) };
  }
}

async function askSite(
  surroundings: Surroundings,
  findSite: () => Promise<Site | undefined>,
): Promise<ClockDifference | undefined> {
  const site = await findSite();
  if (site === undefined) return undefined;
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

function judgeSite(date: ClockDifference | undefined, toleratedMs: number): Check {
  if (date !== undefined) return judge(date.aheadMs, "the fronted site (its Date header)", toleratedMs);
  const seen = "nobody told the time: no time server answers over UDP, nor does the fronted site";
  return warning("offset", seen, "compare `date -u` with a clock that you trust");
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
