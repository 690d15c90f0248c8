// deno-lint-ignore-file no-console
/**
 * `deno task test:binary PATH`: the tests that start `mtg` as a process, against an executable in place of the sources.
 * Without a path it is the one in `dist/` for this machine.
 */
import manifest from "../deno.json" with { type: "json" };

/** Of tests/e2e, with the reason; all others are run. */
const leftOut: Readonly<Record<string, string>> = {
  "check": "it is the check that is tested, in the test's own process; check_process has the command",
  "healthcheck": "the same; the container's tries have the command",
  "loopback_proxy": "it looks into a proxy in its own process",
  "uplinks": "the same; mtg_v2 has SOCKS5 proxies",
  "unruly_workers": "its workers are told to fail by a module that no executable has",
};

function suite(): readonly string[] {
  const names = [...Deno.readDirSync("tests/e2e")].map(({ name }) => name).filter((name) => name.endsWith("_test.ts"));
  const run = names.filter((name) => leftOut[name.replace("_test.ts", "")] === undefined).sort();
  return ["tests/cli/main_test.ts", ...run.map((name) => `tests/e2e/${name}`)];
}

async function main(): Promise<number> {
  const path = Deno.args.find((arg) => arg !== "--") ?? `dist/mtg-${manifest.version}-${Deno.build.target}`;
  const version = await new Deno.Command(path.includes("/") ? path : `./${path}`, { args: ["--version"] }).output();
  if (!version.success) throw new Error(`${path} does not run: ${new TextDecoder().decode(version.stderr)}`);
  console.log(`Testing ${path}, ${new TextDecoder().decode(version.stdout).trim()}`);
  for (const [name, reason] of Object.entries(leftOut)) console.log(`Left out: ${name}: ${reason}`);
  const granted = ["--allow-net", "--allow-read", "--allow-write", "--allow-run", "--allow-env"];
  const { code } = await new Deno.Command(Deno.execPath(), {
    args: ["test", ...granted, "--parallel", ...suite()],
    env: { TEST_BINARY: await Deno.realPath(path) },
    stdin: "null",
  }).spawn().status;
  return code;
}

if (import.meta.main) Deno.exit(await main());
