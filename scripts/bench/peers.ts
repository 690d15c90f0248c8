/** Who is measured: this proxy, the floor, peers that are at hand and peers that are given. */
import { runtimeFlags } from "../runtime.ts";
import type { HelloKind } from "./hello.ts";
import type { Surroundings } from "./place.ts";
import { mostClients } from "./scale.ts";
import { dcPlaceholders, splitCommand } from "./template.ts";

/** How clients talk to a subject: as to an MTProto proxy, or through it as through a wire. */
export type Speech = "fake-tls" | "plain";

/** A subject that is not running yet. */
export interface SubjectSpec {
  readonly name: string;
  readonly speech: Speech;
  /** How clients in fake TLS say hello, if not as today's. */
  readonly hello?: HelloKind | undefined;
  /** Words with placeholders of template.ts in them; none: the load goes to the DC itself. */
  readonly command: readonly string[];
  /** A configuration with placeholders; the path of the filled one is `{config}` in the command. */
  readonly config?: string | undefined;
}

/** Names of the two subjects that are always at hand. */
export const ownName = "mtg";
export const floorName = "floor";

/** Whether a subject is this proxy, with one number of workers or another: it has targets. */
export function isOwn(name: string): boolean {
  return name === ownName || /^mtg-w\d+$/.test(name);
}

/** What the command line says about subjects. */
export interface SubjectFlags {
  /** A name of a built-in peer, or `NAME=COMMAND`. */
  readonly peer: readonly string[];
  readonly plainPeer: readonly string[];
  /** `NAME=FILE` */
  readonly peerConfig: readonly string[];
  readonly mtprotoproxy: string | undefined;
  readonly workers: readonly number[];
  readonly skip: readonly string[];
  readonly direct: boolean;
  /** All built-in peers that are there. */
  readonly full: boolean;
}

/** The flags contradict each other or name what is not there. */
export class SubjectError extends Error {
  override readonly name = "SubjectError";
}

/** Clients that a proxy is told to take: more than come. */
const concurrency = 20_000;

/** TCP mode, one thread. */
function haproxyConfig(connections: number): string {
  return `global
  nbthread 1
  maxconn ${connections}
  maxpipes 64
defaults
  mode tcp
  option splice-auto
  timeout connect 10s
  timeout client 1h
  timeout server 1h
listen bench
  bind {bind} backlog 16384
  server dc {dc}
`;
}

/** With its defaults. It takes classic hellos only. */
const mtprotoproxyConfig = `PORT = {port}
LISTEN_ADDR_IPV4 = "{bind-host}"
LISTEN_ADDR_IPV6 = ""
PREFER_IPV6 = False
USERS = {"bench": "{secret-key}"}
TLS_DOMAIN = "{host}"
TLS_ONLY = True
`;

/** This proxy first, the floor second, then the peers; and why some of those asked for are missing. */
export function subjectsOf(
  flags: SubjectFlags,
  surroundings: Surroundings,
): { subjects: readonly SubjectSpec[]; leftOut: readonly string[] } {
  const leftOut: string[] = [];
  const configs = new Map(flags.peerConfig.map((text) => named(text, "FILE")));
  const names = [...flags.peer, ...flags.plainPeer].map((text) => text.split("=", 1)[0]);
  const stray = configs.keys().find((name) => !names.includes(name));
  if (stray !== undefined) throw new SubjectError(`--peer-config ${stray} names no peer`);
  const all: SubjectSpec[] = [...own(flags.workers, surroundings), floor()];
  const add = (spec: SubjectSpec | string) => {
    if (typeof spec === "string") leftOut.push(spec);
    else if (surroundings.place === "override" && !knowsDc(spec)) leftOut.push(needsNamespace(spec.name));
    else all.push(spec);
  };
  for (const name of builtInOf(flags)) add(builtIn(name, flags, surroundings));
  for (const [speech, texts] of [["fake-tls", flags.peer], ["plain", flags.plainPeer]] as const) {
    for (const text of texts.filter((each) => speech === "plain" || !isBuiltIn(each))) {
      add(given(text, speech, configs, surroundings));
    }
  }
  if (flags.direct) all.push({ name: "direct", speech: "plain", command: [] });
  return { subjects: withoutSkipped(all, flags.skip), leftOut };
}

/** Without other wishes with one worker: the floor has one thread too. */
function own(workers: readonly number[], { place }: Surroundings): SubjectSpec[] {
  const program = [Deno.execPath(), "run", ...runtimeFlags, script("../../main.ts")];
  const command = [...program, "simple-run", "--concurrency", String(concurrency), "{bind}", "{secret}"];
  if (place === "override") command.push("--dc-override", "2={dc}");
  const withWorkers = (name: string, count: number): SubjectSpec => (
    { name, speech: "fake-tls", command: [...command, "--workers", String(count)] }
  );
  if (workers.length === 0) return [withWorkers(ownName, 1)];
  return workers.map((count) => withWorkers(`${ownName}-w${count}`, count));
}

function floor(): SubjectSpec {
  const program = [Deno.execPath(), "run", "--no-prompt", "--allow-net", script("floor.ts")];
  return { name: floorName, speech: "plain", command: [...program, "{port}", "{dc-host}", "{dc-port}"] };
}

const builtInNames = ["haproxy", "mtprotoproxy"] as const;

function isBuiltIn(text: string): boolean {
  return [floorName, ...builtInNames].includes(text);
}

function builtInOf({ peer, full, mtprotoproxy }: SubjectFlags): (typeof builtInNames)[number][] {
  return builtInNames.filter((name) =>
    full || peer.includes(name) || name === "mtprotoproxy" && mtprotoproxy !== undefined
  );
}

/** A peer that needs no command, or why it cannot take part. */
function builtIn(
  name: (typeof builtInNames)[number],
  flags: SubjectFlags,
  surroundings: Surroundings,
): SubjectSpec | string {
  switch (name) {
    case "haproxy": {
      const program = surroundings.find("haproxy");
      if (program === undefined) return "haproxy is left out: not installed (Debian: apt-get install haproxy)";
      const config = haproxyConfig(Math.min(concurrency, mostClients(surroundings.descriptors)));
      return { name, speech: "plain", command: [program, "-db", "-f", "{config}"], config };
    }
    case "mtprotoproxy": {
      const program = flags.mtprotoproxy ?? surroundings.find("mtprotoproxy");
      const how = "pip install mtprotoproxy==1.0.6 cryptography uvloop==0.17.0, in a Python of 3.9 at most";
      if (program === undefined) return `mtprotoproxy is left out: not installed (${how}; then --mtprotoproxy PATH)`;
      const command = [program, "{config}"];
      return { name, speech: "fake-tls", hello: "classic", command, config: mtprotoproxyConfig };
    }
  }
}

function given(
  text: string,
  speech: Speech,
  configs: ReadonlyMap<string, string>,
  surroundings: Surroundings,
): SubjectSpec {
  const [name, words] = named(text, "COMMAND");
  const path = configs.get(name);
  const command = splitCommand(words);
  if (command.some((word) => word.includes("{config}")) !== (path !== undefined)) {
    throw new SubjectError(`${name} has only one of {config} in its command and --peer-config ${name}=FILE`);
  }
  try {
    return { name, speech, command, config: path === undefined ? undefined : surroundings.read(path) };
  } catch (error) {
    throw new SubjectError(`--peer-config ${name}=${path}: ${error instanceof Error ? error.message : error}`);
  }
}

function named(text: string, what: string): [name: string, value: string] {
  const [, name, value = ""] = /^([\w.-]+)=(.*)$/s.exec(text) ?? [];
  if (name === undefined || value.trim() === "") throw new SubjectError(`Expected NAME=${what}, got ${text}`);
  return [name, value];
}

function knowsDc({ command, config = "" }: SubjectSpec): boolean {
  const text = `${command.join(" ")} ${config}`;
  return dcPlaceholders.some((placeholder) => text.includes(placeholder));
}

function needsNamespace(name: string): string {
  return `${name} is left out: without a namespace it must be told the data centre ({dc} in its command)`;
}

function withoutSkipped(all: readonly SubjectSpec[], skip: readonly string[]): readonly SubjectSpec[] {
  const unknown = skip.find((name) => all.every((spec) => spec.name !== name));
  if (unknown !== undefined) throw new SubjectError(`--skip ${unknown} names no subject`);
  if (new Set(all.map(({ name }) => name)).size < all.length) throw new SubjectError("Two subjects have the same name");
  const left = all.filter(({ name }) => !skip.includes(name));
  if (left.length === 0) throw new SubjectError("--skip leaves nothing to measure");
  return left;
}

function script(path: string): string {
  return new URL(path, import.meta.url).pathname;
}
