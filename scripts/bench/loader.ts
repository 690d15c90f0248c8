/**
 * The load generator: a process that takes jobs (job.ts), one a line on standard input, and plays Telegram's clients.
 * `deno run --allow-net scripts/bench/loader.ts`
 */
import { goOn, type Job, type LoadEvent, type LoadPause, type LoadResult } from "./job.ts";
import { lines, printJson } from "./lines.ts";
import type { Link } from "./link.ts";
import { Load } from "./load.ts";
import { mixedTransfer } from "./mixed.ts";

const dialsAtOnce = 32;
/** Whoever has refused so many clients will refuse the rest, perhaps after a long time each. */
const mostRefusals = 64;

/** Tells the parent where the job is and waits for its word. */
type Pause = (event: LoadPause) => Promise<void>;

/** Opens connections, some at a time, until there are `count` in `into` or many have failed, which `load` counts. */
async function openUntil<T>(into: T[], count: number, load: Load, open: () => Promise<T>): Promise<void> {
  let left = count - into.length;
  let refusals = 0;
  const opener = async () => {
    while (left-- > 0 && refusals < mostRefusals) {
      const opened = await load.attempt(open);
      if (opened !== undefined) into.push(opened);
      else refusals++;
    }
  };
  await Promise.all(Array.from({ length: dialsAtOnce }, opener));
}

async function onLinks(load: Load, pause: Pause): Promise<void> {
  const { mode, connections, transferBytes } = load.job;
  const links: Link[] = [];
  await openUntil(links, connections, load, () => load.open());
  await pause({ event: "ready" });
  load.start();
  const step = (link: Link) =>
    mode === "echo" ? load.roundTrip(link) : load.transfer(link, mode === "up" ? "up" : "down", transferBytes);
  await Promise.all(links.map(async (link) => {
    const stepOnce = async () => (await step(link), true);
    while (load.running && await load.attempt(stepOnce)) { /* Until the time is up or the link has failed. */ }
  }));
  closeAll(links);
}

async function connections(load: Load, pause: Pause): Promise<void> {
  await pause({ event: "ready" });
  load.start();
  let left = load.job.most;
  const worker = async () => {
    while (load.running && left-- > 0) await load.attempt(() => load.openAndClose());
  };
  await Promise.all(Array.from({ length: load.job.connections }, worker));
}

async function mixedTransfers(load: Load, pause: Pause): Promise<void> {
  await pause({ event: "ready" });
  load.start();
  let next = 0;
  const worker = async () => {
    let link: Link | undefined;
    while (load.running && next < load.job.most) {
      const { direction, bytes } = mixedTransfer(next++);
      const finished = await load.attempt(async () => {
        link ??= await load.open();
        await load.transfer(link, direction, bytes);
        return true;
      });
      if (finished) continue;
      link?.[Symbol.dispose]();
      link = undefined;
    }
    link?.[Symbol.dispose]();
  };
  await Promise.all(Array.from({ length: load.job.connections }, worker));
}

async function idleClients(load: Load, pause: Pause): Promise<void> {
  await pause({ event: "ready" });
  const links: Link[] = [];
  for (const level of load.job.levels) {
    await openUntil(links, level, load, () => load.open());
    await pause({ event: "up", open: links.length });
  }
  load.start();
  const pending = links.values();
  const checker = async () => {
    for (const link of pending) await load.attempt(() => load.roundTrip(link));
  };
  await Promise.all(Array.from({ length: dialsAtOnce }, checker));
  closeAll(links);
}

async function burst(load: Load, pause: Pause): Promise<void> {
  await pause({ event: "ready" });
  load.start();
  const { connections } = load.job;
  const links = await Promise.all(Array.from({ length: connections }, () => load.attempt(() => load.openTimed())));
  load.stop();
  closeAll(links.filter((link) => link !== undefined));
}

async function besideSilent(load: Load, pause: Pause): Promise<void> {
  const silent: Deno.TcpConn[] = [];
  await openUntil(silent, load.job.connections, load, () => load.connect());
  await pause({ event: "up", open: silent.length });
  load.start();
  for (let count = 0; count < load.job.most; count++) await load.attempt(() => load.openAndClose());
  load.stop();
  for (const conn of silent) conn.close();
}

function closeAll(links: readonly Link[]): void {
  for (const link of links) link[Symbol.dispose]();
}

async function run(job: Job, pause: Pause): Promise<LoadResult> {
  using load = new Load(job);
  await modeOf(job)(load, pause);
  return load.result();
}

function modeOf({ mode }: Job): (load: Load, pause: Pause) => Promise<void> {
  switch (mode) {
    case "down":
    case "up":
    case "echo":
      return onLinks;
    case "conn":
      return connections;
    case "mixed":
      return mixedTransfers;
    case "idle":
      return idleClients;
    case "burst":
      return burst;
    case "silent":
      return besideSilent;
  }
}

async function main(): Promise<void> {
  const input = lines(Deno.stdin.readable);
  const pause: Pause = async (event) => {
    printJson(event);
    const next = await input.next();
    if (next.value !== goOn) Deno.exit(0);
  };
  for (let line = await input.next(); !line.done; line = await input.next()) {
    const job: Job = JSON.parse(line.value);
    printJson({ event: "done", result: await run(job, pause) } satisfies LoadEvent);
  }
}

if (import.meta.main) await main();
