import { formatAddress } from "../address.ts";
import { duration } from "../config/values.ts";
import { parseProxyLink, type ProxyLink } from "../policy/proxy_link.ts";
import type { Report } from "../probe/check_link.ts";
import type { Outcome, Step } from "../probe/step.ts";
import { type Command, type Input, usageError, wrongValue } from "./command.ts";
import type { Environment } from "./environment.ts";
import { wrap } from "./wrap.ts";

const defaultTimeoutMs = 5_000;
/** What a line begins with, for people. */
const marks: Readonly<Record<Outcome, string>> = { ok: "✅", warning: "⚠️ ", failed: "❌" };
const titles: Readonly<Record<Step["step"], string>> = {
  name: "name",
  tcp: "TCP",
  "fake-tls": "fake TLS",
  telegram: "Telegram",
  clock: "clock",
};
const titleWidth = 9;
const timeWidth = 9;

export const check: Command = {
  name: "check",
  summary: "find out why a link does not connect",
  docs:
    "Goes the way of a Telegram app through the proxy of a link, on any machine: looks the name up, connects, shows the\n" +
    "secret, asks Telegram through the proxy, and compares clocks. Of what fails it tells the likely cause and what to do.\n" +
    "Where the proxy does not answer, the web site that it looks like and time servers are asked for the time.\n" +
    "Put the link into quotes, since it holds characters that shells take for their own. It is never printed.",
  arguments: [{ name: "<link>", docs: "a link such as tg://proxy?… or https://t.me/proxy?…" }],
  flags: [
    { name: "all-dcs", docs: "Ask all of Telegram's data centres, not only number 2." },
    { name: "json", docs: "Print JSON for programs." },
    { name: "timeout", short: "t", value: "<duration>", docs: "How long each step may take. Default: 5s." },
  ],
  run: async (input, environment) => {
    const link = readLink(input.arguments[0] ?? "");
    const timeoutMs = readTimeout(input);
    const wishes = { timeoutMs, allDcs: input.has("all-dcs") };
    const report = input.has("json")
      ? await checkForPrograms(link, wishes, environment)
      : await checkForPeople(link, wishes, environment);
    return report.ok ? 0 : 1;
  },
};

interface Wishes {
  readonly timeoutMs: number;
  readonly allDcs: boolean;
}

function readLink(text: string): ProxyLink {
  try {
    return parseProxyLink(text);
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    throw usageError(error.message);
  }
}

function readTimeout(input: Input): number {
  const text = input.value("timeout");
  if (text === undefined) return defaultTimeoutMs;
  const parsed = duration(text);
  if (!parsed.ok) throw wrongValue("timeout", text, parsed.expected);
  if (parsed.value <= 0) throw wrongValue("timeout", text, "expected more than nothing");
  return parsed.value;
}

async function checkForPrograms(link: ProxyLink, wishes: Wishes, environment: Environment): Promise<Report> {
  const report = await environment.check(link, wishes);
  const { server, port, secret: { kind, host } } = link;
  const about = { server, port, kind, ...(kind === "tls" ? { host } : {}) };
  environment.print(JSON.stringify({ ...about, ...report }, undefined, 2));
  return report;
}

async function checkForPeople(link: ProxyLink, wishes: Wishes, environment: Environment): Promise<Report> {
  environment.print(`Checking the proxy at ${describe(link)}.\n`);
  const onStep = (step: Step) => environment.print(stepText(step));
  const report = await environment.check(link, { ...wishes, onStep });
  environment.print(`\n${sumUp(report)}`);
  return report;
}

function describe({ server, port, secret: { kind, host } }: ProxyLink): string {
  const at = formatAddress({ kind: "tcp", host: server, port });
  if (kind === "tls") return `${at}, which looks like ${host}`;
  return `${at}, with a ${kind} secret`;
}

/** A line, and below it cause and remedy. */
function stepText({ step, outcome, ms, detail, cause, remedy }: Step): string {
  const time = step === "clock" ? "" : ms < 9.95 ? `${ms.toFixed(1)} ms` : `${Math.round(ms)} ms`;
  const head = `${marks[outcome]} ${titles[step].padEnd(titleWidth)}${time.padStart(timeWidth)}  ${detail}`;
  const indent = " ".repeat(3 + titleWidth);
  const more = (label: string, text: string | undefined) =>
    text === undefined ? [] : wrap(text, `${indent}${label}`, `${indent}  `);
  return [head, ...more("Why: ", cause), ...more("What to do: ", remedy)].join("\n");
}

function sumUp({ ok, steps }: Report): string {
  if (!ok) return "The proxy does not work from this machine.";
  const warned = steps.some(({ outcome }) => outcome === "warning");
  return warned ? "The proxy works from this machine, but see the warnings." : "The proxy works from this machine.";
}
