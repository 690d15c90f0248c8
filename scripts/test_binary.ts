// deno-lint-ignore-file no-console
/**
 * `deno task test:binary PATH`: the tests that start `mtg` as a process, against an executable in place of the sources.
 * Without a path it is the one in `dist/` for this machine.
 */
import manifest from "../deno.json" with { type: "json" };

const suite = [
  "tests/cli/main_test.ts",
  "tests/e2e/binary_test.ts",
  "tests/e2e/check_process_test.ts",
  "tests/e2e/daemon_test.ts",
  "tests/e2e/doctor_test.ts",
  "tests/e2e/environment_test.ts",
  "tests/e2e/flood_test.ts",
  "tests/e2e/mtg_v2_test.ts",
  "tests/e2e/real_client_test.ts",
  "tests/e2e/reload_test.ts",
  "tests/e2e/unix_front_test.ts",
  "tests/e2e/workers_test.ts",
];

const leftOut: Readonly<Record<string, string>> = {
  "check, fronting, handshake, haproxy, relay, tools, uplinks": "they look into a proxy in the process of the test",
  "unruly_workers": "its workers are told to fail by a module that no executable has",
};

async function main(): Promise<number> {
  const path = Deno.args.find((arg) => arg !== "--") ?? `dist/mtg-${manifest.version}-${Deno.build.target}`;
  const version = await new Deno.Command(path.includes("/") ? path : `./${path}`, { args: ["--version"] }).output();
  if (!version.success) throw new Error(`${path} does not run: ${new TextDecoder().decode(version.stderr)}`);
  console.log(`Testing ${path}, ${new TextDecoder().decode(version.stdout).trim()}`);
  for (const [names, reason] of Object.entries(leftOut)) console.log(`Left out: ${names}: ${reason}`);
  const granted = ["--allow-net", "--allow-read", "--allow-write", "--allow-run", "--allow-env"];
  const { code } = await new Deno.Command(Deno.execPath(), {
    args: ["test", ...granted, "--parallel", ...suite],
    env: { TEST_BINARY: await Deno.realPath(path) },
    stdin: "null",
  }).spawn().status;
  return code;
}

if (import.meta.main) Deno.exit(await main());
