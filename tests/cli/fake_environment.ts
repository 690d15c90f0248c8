import type { Address } from "../../lib/address.ts";
import type { Family } from "../../lib/address.ts";
import type { Environment, StateFiles } from "../../lib/cli/environment.ts";
import { main } from "../../lib/cli/mod.ts";
import type { Config } from "../../lib/config/config.ts";
import type { Patient } from "../../lib/doctor/examine.ts";
import type { Group } from "../../lib/doctor/report.ts";
import type { PublicAddresses } from "../../lib/http/public_address.ts";
import type { Report } from "../../lib/probe/check_link.ts";
import { settle } from "../support/fake_clock.ts";

export interface Outcome {
  readonly code: number;
  /** Lines on standard output, and on standard error. */
  readonly out: readonly string[];
  readonly errors: readonly string[];
  readonly written: ReadonlyMap<string, Uint8Array>;
  /** What is kept in directories of state, by path. */
  readonly state: ReadonlyMap<string, string>;
  /** What was served. */
  readonly configs: readonly Config[];
  /** What the log was to warn of. */
  readonly warnings: readonly string[];
  /** Which public addresses others were asked for, each time. */
  readonly asked: readonly (readonly Family[])[];
}

export interface World {
  readonly files?: Readonly<Record<string, string>>;
  /** What an earlier start has kept, by path. */
  readonly state?: Readonly<Record<string, string>>;
  /** Looks at state, and may change it, when the proxy is about to end. */
  readonly whileItServes?: (state: Map<string, string>) => void;
  /** What keeps standard output from being written. */
  readonly printFault?: Error;
  /** What keeps state from being written. */
  readonly stateFault?: Error;
  /** Whether the running proxy serves. */
  readonly isServing?: boolean;
  readonly standardInput?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly isTerminal?: boolean;
  /** What the proxy says that it listens on; by default what the configuration says. */
  readonly bound?: readonly Address[];
  /** What others say that the public addresses are, or what keeps them; by default they may not be asked. */
  readonly detected?: PublicAddresses | Error;
  /** What doctor finds; by default it may not look. */
  readonly examine?: (patient: Patient) => readonly Group[];
  /** What becomes of the file of the configuration while it is served, which is reloaded each time. */
  readonly edits?: readonly string[];
  /** The proxy is told to stop before others have answered. */
  readonly stopsAtOnce?: boolean;
  /** What checks of links find. */
  readonly report?: Report;
  /** What keeps the proxy from serving, or from writing a file. */
  readonly failure?: Error;
}

/** Runs `main()` on files in memory, with a proxy that stops as soon as it listens. */
export async function runMain(args: readonly string[], world: World = {}): Promise<Outcome> {
  const out: string[] = [];
  const errors: string[] = [];
  const written = new Map<string, Uint8Array>();
  const configs: Config[] = [];
  const warned: string[] = [];
  const asked: (readonly Family[])[] = [];
  const files = new Map(Object.entries(world.files ?? {}));
  const state = new Map(Object.entries(world.state ?? {}));
  const environment: Environment = {
    print: (text) => {
      if (world.printFault !== undefined) throw world.printFault;
      out.push(...text.split("\n"));
    },
    printError: (text) => errors.push(...text.split("\n")),
    isTerminal: world.isTerminal ?? false,
    readFile: (path) => {
      const text = files.get(path);
      if (text !== undefined) return Promise.resolve(text);
      const isDirectory = path.endsWith("/") || [...files.keys()].some((name) => name.startsWith(`${path}/`));
      return Promise.reject(isDirectory ? new Deno.errors.IsADirectory() : new Deno.errors.NotFound());
    },
    state: (directory) => stateIn(directory, state, { fault: world.stateFault }),
    askHealth: (config) => {
      configs.push(config);
      const isServing = world.isServing ?? false;
      return Promise.resolve({ isServing, text: isServing ? "serving" : "nobody answers" });
    },
    readStandardInput: () => Promise.resolve(world.standardInput ?? ""),
    env: (name) => world.env?.[name],
    writeFile: (path, bytes) => {
      if (world.failure !== undefined) return Promise.reject(world.failure);
      written.set(path, bytes);
      return Promise.resolve();
    },
    detectAddresses: async (_, wanted, signal) => {
      asked.push(wanted);
      await settle();
      signal?.throwIfAborted();
      if (world.detected === undefined) throw new Error("this test may not ask others");
      if (world.detected instanceof Error) throw world.detected;
      return world.detected;
    },
    examine: async function* (patient) {
      if (world.examine === undefined) throw new Error("this test may not examine");
      yield* world.examine(patient);
    },
    serve: async (config, { onServing, reload, warnings = [] }) => {
      if (world.failure !== undefined) throw world.failure;
      configs.push(config);
      warned.push(...warnings);
      onServing?.(config, world.bound ?? config.bindTo);
      for (const text of world.edits ?? []) {
        if (reload?.file === undefined) throw new Error("there is no file that could be read again");
        files.set(reload.file, text);
        const next = (await reload.load()).config;
        configs.push(next);
        onServing?.(next, world.bound ?? config.bindTo);
      }
      if (!world.stopsAtOnce) { for (let turn = 0; turn < 2; turn++) await settle(); }
      world.whileItServes?.(state);
    },
    check: (_link, { onStep }) => {
      const report = world.report ?? { ok: true, steps: [] };
      for (const step of report.steps) onStep?.(step);
      return Promise.resolve(report);
    },
  };
  const code = await main(args, environment);
  return { code, out, errors, written, state, configs, warnings: warned, asked };
}

export interface StateRules {
  /** What keeps it from being written. */
  readonly fault?: Error | undefined;
  /** Whether it has been made. @default {whether anything is in it} */
  readonly exists?: boolean;
}

/** A directory of state whose files are in memory, by path. */
export function stateIn(path: string, state: Map<string, string>, { fault, exists }: StateRules = {}): StateFiles {
  const pathOf = (name: string) => `${path}/${name}`;
  const write = (name: string, text: string): Promise<void> => {
    if (fault !== undefined) return Promise.reject(fault);
    state.set(pathOf(name), text);
    return Promise.resolve();
  };
  return {
    path,
    pathOf,
    write,
    exists: () => Promise.resolve(exists ?? [...state.keys()].some((name) => name.startsWith(`${path}/`))),
    read: (name) => Promise.resolve(state.get(pathOf(name))),
    create: async (name, text) => {
      if (!state.has(pathOf(name))) await write(name, text);
      return state.get(pathOf(name)) ?? "";
    },
    remove: (name) => Promise.resolve(void state.delete(pathOf(name))),
  };
}

export const hexKey = "00112233445566778899aabbccddeeff";
export const tlsHex = `ee${hexKey}6578616d706c652e636f6d`;
export const tlsBase64 = "7gARIjNEVWZ3iJmqu8zd7v9leGFtcGxlLmNvbQ";

/** A configuration with a fake-TLS secret for example.com, and `more` lines. */
export function configText(bindTo: string, ...more: readonly string[]): string {
  return [`secret = "${tlsHex}"`, `bind-to = ${JSON.stringify(bindTo)}`, ...more].join("\n");
}
