/** What the kernel knows of a process, from `/proc` (Linux). */

/** Ticks of fields 14 and 15 of `/proc/PID/stat`; 100 on every architecture that Deno runs on. */
const ticksPerSecond = 100;

/** Costs of a process and of its descendants. */
export interface Usage {
  /** User and system time so far; grows by steps of 0.01. */
  readonly cpuSeconds: number;
  /** VmRSS. */
  readonly residentBytes: number;
}

/** What `pid` and those that it has started use. @throws {Deno.errors.NotFound} If `pid` is gone. */
export function usageOf(pid: number): Usage {
  let cpuSeconds = 0;
  let residentBytes = 0;
  for (const member of [pid, ...descendantsOf(pid)]) {
    const fields = statFields(member);
    // The first field after the name is number 3.
    cpuSeconds += (Number(fields[11]) + Number(fields[12])) / ticksPerSecond;
    residentBytes += residentOf(member);
  }
  return { cpuSeconds, residentBytes };
}

/** The processes that `pid` has started, and those that they have. */
export function descendantsOf(pid: number): number[] {
  const parents = new Map<number, number>();
  for (const { name } of Deno.readDirSync("/proc")) {
    if (!/^\d+$/.test(name)) continue;
    try {
      parents.set(Number(name), Number(statFields(Number(name))[1]));
    } catch {
      // It has ended since the directory was read.
    }
  }
  const found = [pid];
  for (const ancestor of found) {
    for (const [child, parent] of parents) if (parent === ancestor) found.push(child);
  }
  return found.slice(1);
}

/** The processor's name, for the report. */
export function processorName(): string {
  return /^model name\s*:\s*(.*)$/m.exec(Deno.readTextFileSync("/proc/cpuinfo"))?.[1] ?? "unknown";
}

function statFields(pid: number): string[] {
  const stat = Deno.readTextFileSync(`/proc/${pid}/stat`);
  return stat.slice(stat.lastIndexOf(")") + 2).split(" ");
}

function residentOf(pid: number): number {
  const kibibytes = /^VmRSS:\s*(\d+) kB$/m.exec(Deno.readTextFileSync(`/proc/${pid}/status`))?.[1];
  return Number(kibibytes ?? 0) * 1024;
}
