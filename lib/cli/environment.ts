// deno-lint-ignore-file no-console
/** What commands need of the world around them, in one place, so that tests can run them without it. */
import type { Family } from "../address.ts";
import type { Config } from "../config/config.ts";
import type { ServeOptions } from "../daemon/serve.ts";
import type { Patient } from "../doctor/examine.ts";
import type { Group } from "../doctor/report.ts";
import type { PublicAddresses } from "../http/public_address.ts";
import type { ProxyLink } from "../policy/proxy_link.ts";
import type { Report } from "../probe/check_link.ts";
import { StateDirectory } from "../state/state_directory.ts";
import type { CheckWishes } from "./check_here.ts";
import type { Health } from "./health_here.ts";

/** The files of a directory that outlive a restart. */
export type StateFiles = Pick<StateDirectory, "path" | "pathOf" | "exists" | "read" | "write" | "create" | "remove">;

export interface Environment {
  /** Writes to standard output, with a line break at the end. */
  print(text: string): void;
  /** Writes to standard error, with a line break at the end. */
  printError(text: string): void;
  /** Whether a person reads standard output, rather than a program or a file. */
  readonly isTerminal: boolean;
  /** @throws {RangeError} If it is larger than any configuration, as some devices are. */
  readFile(path: string): Promise<string>;
  readStandardInput(): Promise<string>;
  /** An environment variable; `undefined` too if Deno may not read it. */
  env(name: string): string | undefined;
  /** Nobody but this user may read what it writes: every file of ours holds a secret. */
  writeFile(path: string, bytes: Uint8Array): Promise<void>;
  /** What is kept in `state.directory`. */
  state(directory: string): StateFiles;
  /** Asks the running proxy of a configuration whether it serves. */
  askHealth(config: Config): Promise<Health>;
  /** Finds out the public addresses of this machine by asking others, within `network.timeout.http`; rejects only by `signal`. */
  detectAddresses(config: Config, wanted: readonly Family[], signal?: AbortSignal): Promise<PublicAddresses>;
  /** Examines what surrounds a proxy; gives each group of checks as soon as it and those before it are done. */
  examine(patient: Patient): AsyncIterable<Group>;
  /** Runs a proxy until it is told to stop; rejects if it cannot listen. */
  serve(config: Config, options: ServeOptions): Promise<void>;
  /** Goes a client's way through the proxy of a link. */
  check(link: ProxyLink, wishes: CheckWishes): Promise<Report>;
}

/** The real one. */
export const denoEnvironment: Environment = {
  print: (text) => console.log(text),
  printError: (text) => console.error(text),
  isTerminal: Deno.stdout.isTerminal(),
  readFile: readSmallFile,
  readStandardInput: () => new Response(Deno.stdin.readable).text(),
  env: (name) => {
    try {
      return Deno.env.get(name);
    } catch (error) {
      if (error instanceof Deno.errors.NotCapable) return undefined;
      throw error;
    }
  },
  writeFile: (path, bytes) => Deno.writeFile(path, bytes, { mode: 0o600 }),
  state: (directory) => new StateDirectory(directory),
  askHealth: async (config) => await (await import("./health_here.ts")).askHealthHere(config),
  detectAddresses: async (config, wanted, signal) =>
    await (await import("./detect.ts")).detectAddresses(config, wanted, signal),
  examine: async function* (patient) {
    yield* (await import("../doctor/examine.ts")).examineHere(patient);
  },
  // Loaded only now: the other commands start several times faster without the proxy.
  serve: async (config, options) => await (await import("../daemon/serve.ts")).serve(config, options),
  check: async (link, wishes) => await (await import("./check_here.ts")).checkHere(link, wishes),
};

const largestFile = 1_048_576;

async function readSmallFile(path: string): Promise<string> {
  using file = await Deno.open(path);
  const into = new Uint8Array(largestFile + 1);
  let size = 0;
  while (size < into.length) {
    const count = await file.read(into.subarray(size));
    if (count === null) break;
    size += count;
  }
  if (size > largestFile) throw new RangeError("it is larger than 1 MiB");
  return new TextDecoder().decode(into.subarray(0, size));
}
