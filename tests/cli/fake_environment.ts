import type { Address } from "../../lib/address.ts";
import { main } from "../../lib/cli/mod.ts";
import type { Environment } from "../../lib/cli/environment.ts";
import type { Config } from "../../lib/config/config.ts";
import type { Report } from "../../lib/probe/check_link.ts";

export interface Outcome {
  readonly code: number;
  /** Lines on standard output, and on standard error. */
  readonly out: readonly string[];
  readonly errors: readonly string[];
  readonly written: ReadonlyMap<string, Uint8Array>;
  /** What was served. */
  readonly configs: readonly Config[];
}

export interface World {
  readonly files?: Readonly<Record<string, string>>;
  readonly standardInput?: string;
  readonly isTerminal?: boolean;
  /** What the proxy says that it listens on; by default what the configuration says. */
  readonly bound?: readonly Address[];
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
  const environment: Environment = {
    print: (text) => out.push(...text.split("\n")),
    printError: (text) => errors.push(...text.split("\n")),
    isTerminal: world.isTerminal ?? false,
    readFile: (path) => {
      const text = world.files?.[path];
      return text === undefined ? Promise.reject(new Deno.errors.NotFound()) : Promise.resolve(text);
    },
    readStandardInput: () => Promise.resolve(world.standardInput ?? ""),
    writeFile: (path, bytes) => {
      if (world.failure !== undefined) return Promise.reject(world.failure);
      written.set(path, bytes);
      return Promise.resolve();
    },
    serve: (config, { onListening }) => {
      if (world.failure !== undefined) return Promise.reject(world.failure);
      configs.push(config);
      onListening?.(world.bound ?? config.bindTo);
      return Promise.resolve();
    },
    check: (_link, { onStep }) => {
      const report = world.report ?? { ok: true, steps: [] };
      for (const step of report.steps) onStep?.(step);
      return Promise.resolve(report);
    },
  };
  const code = await main(args, environment);
  return { code, out, errors, written, configs };
}

export const hexKey = "00112233445566778899aabbccddeeff";
export const tlsHex = `ee${hexKey}6578616d706c652e636f6d`;
export const tlsBase64 = "7gARIjNEVWZ3iJmqu8zd7v9leGFtcGxlLmNvbQ";

/** A configuration with a fake-TLS secret for example.com, and `more` lines. */
export function configText(bindTo: string, ...more: readonly string[]): string {
  return [`secret = "${tlsHex}"`, `bind-to = ${JSON.stringify(bindTo)}`, ...more].join("\n");
}
