/** The clock: a proxy whose clock is wrong takes its own clients for strangers. */
import { messageOf } from "../errors.ts";
import { bad, type Check, good, type Group, note, warning } from "./report.ts";
import { listed, seconds } from "./words.ts";
import { budgetsMs, type ClockDifference, type Surroundings } from "./world.ts";

/** Parts of what is tolerated from which on the clock is not right any more, and from which on it is wrong. */
const warningFrom = 0.3;
const badFrom = 0.7;
const setIt = "let the system keep it: `timedatectl set-ntp true`, or install chrony; then look again";

/** `askSiteDate` asks the fronted site, where UDP is blocked; `undefined` if it does not say or there is none. */
export async function checkClock(
  surroundings: Surroundings,
  askSiteDate: () => Promise<ClockDifference | undefined>,
): Promise<Group> {
  const { ntpServers } = surroundings.config;
  const [asked, siteDate] = await Promise.all([
    Promise.all(ntpServers.map((server) => askServer(surroundings, server))),
    askSiteDate().catch(() => undefined),
  ]);
  return { id: "clock", title: "Clock", checks: judgeAll(asked, siteDate, surroundings) };
}

interface Asked {
  readonly server: string;
  /** How far our clock is ahead of it, or why that is not known. */
  readonly outcome: number | Error;
}

async function askServer(surroundings: Surroundings, server: string): Promise<Asked> {
  try {
    const [host = server] = await surroundings.resolve(server);
    const { aheadMs } = await surroundings.within(
      budgetsMs.time,
      (asking) => surroundings.world.askTime(host, asking),
    );
    return { server, outcome: aheadMs };
  } catch (error) {
    return { server, outcome: new Error(`${server}: ${messageOf(error)}`) };
  }
}

function judgeAll(
  asked: readonly Asked[],
  siteDate: ClockDifference | undefined,
  { config: { tolerateTimeSkewnessMs } }: Surroundings,
): readonly Check[] {
  const answered = asked.filter((one): one is Asked & { outcome: number } => typeof one.outcome === "number");
  const failures = asked.flatMap(({ outcome }) => outcome instanceof Error ? [outcome.message] : []);
  const checks: Check[] = [];
  if (failures.length > 0) {
    checks.push(note("silent-servers", `no time from ${failures.join("; ")}`, "nothing, if the clock is right below"));
  }
  if (answered.length > 0) {
    const offsets = answered.map(({ outcome }) => outcome);
    const by = listed(answered.map(({ server }) => server));
    const spreadMs = Math.max(...offsets) - Math.min(...offsets);
    if (spreadMs > warningFrom * tolerateTimeSkewnessMs) return [...checks, disagreement(by, spreadMs)];
    return [...checks, judge(median(offsets), by, tolerateTimeSkewnessMs)];
  }
  if (siteDate !== undefined) {
    return [...checks, judge(siteDate.aheadMs, "the fronted site (its Date header)", tolerateTimeSkewnessMs)];
  }
  const seen = "nobody told the time: no time server answers over UDP, nor does the fronted site";
  return [...checks, warning("offset", seen, "compare `date -u` with a clock that you trust")];
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
