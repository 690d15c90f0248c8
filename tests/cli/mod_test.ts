import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import manifest from "../../deno.json" with { type: "json" };
import { hexKey, runMain, tlsBase64, tlsHex } from "./fake_environment.ts";

Deno.test("main() does show the version", async () => {
  for (const flag of ["--version", "-v", "version"]) {
    const { code, out, errors } = await runMain([flag]);
    assertEquals([code, errors], [0, []]);
    assertEquals(out, [`mtg ${manifest.version} (deno ${Deno.version.deno}, ${Deno.build.target})`]);
  }
});

const commands = [
  "run",
  "simple-run",
  "generate-secret",
  "access",
  "doctor",
  "check",
  "healthcheck",
  "config check",
  "config schema",
  "completions",
];

Deno.test("main() does show help for all and for each command", async () => {
  for (const args of [["--help"], ["-h"], ["help"]]) {
    const { code, out } = await runMain(args);
    assertEquals(code, 0);
    for (const name of commands) assertMatch(out.join("\n"), new RegExp(`^  ${name} +\\w`, "m"));
  }
  for (const name of commands) {
    const wanted = await runMain(["help", ...name.split(" ")]);
    assertEquals([wanted.code, wanted.errors], [0, []]);
    assertStringIncludes(wanted.out[0] ?? "", `Usage: mtg ${name} [<flags>]`);
    for (const args of [["--help"], ["-h"], ["x", "--wrong", "--help"]]) {
      assertEquals(await runMain([...name.split(" "), ...args]), wanted);
    }
  }
});

Deno.test("main() does fit its help into 120 columns", async () => {
  for (const args of [["help"], ...commands.map((name) => ["help", ...name.split(" ")])]) {
    for (const line of (await runMain(args)).out) assertEquals(line.length <= 120, true, line);
  }
});

Deno.test("main() does show help as an error when nothing is asked", async () => {
  const { code, out, errors } = await runMain([]);
  assertEquals([code, out], [2, []]);
  assertStringIncludes(errors.join("\n"), "Commands:");
});

const noConfiguration =
  "there is no configuration: give a file, - for standard input, or MTG_SECRET and MTG_BIND_TO in the environment " +
  "(which Deno reads with --allow-env=MTG_*)";

/** What a newcomer may type, and what is said about it. */
const mistakes: readonly (readonly [readonly string[], string])[] = [
  [["acess"], 'unknown command "acess": the nearest known one is access'],
  [["generate_secret"], 'unknown command "generate_secret": the nearest known one is generate-secret'],
  [["help", "runn"], 'unknown command "runn": the nearest known one is run'],
  [["--verison"], "unknown flag --verison: the nearest known one is --version"],
  [["-x"], "unknown flag -x: the nearest known one is -v"],
  [["run"], noConfiguration],
  [["run", "nope.toml"], "cannot read nope.toml: there is no such file or directory"],
  [["run", "a", "b"], 'run does not take "b" as well'],
  [["run", "--no-link", "a"], "unknown flag --no-link: the nearest known one is --no-links"],
  [["run", "--no-links=please", "a"], "--no-links takes no value"],
  [["run", "-x", "a"], "unknown flag -x: the nearest known one is -h"],
  [["access", "-xq5", "a"], "unknown flag -q: the nearest known one is -i"],
  [["access", "-x5", "a"], "unknown flag -5: the nearest known one is -i"],
  [["access", "-x=5", "a"], "--hex takes no value"],
  [["run", "--", "--no-links"], "cannot read --no-links: there is no such file or directory"],
  [["access"], noConfiguration],
  [["access", "--port"], "--port needs a value: --port <port>"],
  [["access", "--port=", "a"], "--port needs a value: --port <port>"],
  [["access", "a", "-p"], "--port needs a value: --port <port>"],
  [["access", "--port", "--hex", "a"], "--port needs a value: --port <port>"],
  [["simple-run", ":3128"], "simple-run needs <secret>: a secret; mtg generate-secret makes one"],
  [["simple-run"], "simple-run needs <bind-to>: where to listen, such as 0.0.0.0:3128"],
  [["simple-run", ":1", "x", "--dhs", "1.1.1.1"], "unknown flag --dhs: the nearest known one is --dns"],
  [["check"], "check needs <link>: a link such as tg://proxy?… or https://t.me/proxy?…"],
];

Deno.test("main() does say what is wrong with the command line, and gives 2", async () => {
  for (const [args, message] of mistakes) {
    const { code, out, errors } = await runMain(args);
    assertEquals({ code, out, errors }, { code: 2, out: [], errors: [`mtg: ${message}`] });
  }
});

Deno.test("main() does repeat no secret, wherever it was put", async () => {
  for (const secret of [hexKey, `dd${hexKey}`, tlsHex, tlsBase64, "ABEiM0RVZneImaq7zN3u_w"]) {
    const lines = [
      [secret],
      [`--${secret}`],
      ["run", secret, secret],
      ["run", "x", secret],
      ["run", `--${secret}`, "x"],
      ["simple-run", secret, ":3128"],
      ["simple-run", ":3128", secret, secret],
      ["simple-run", ":3128", `${secret}!`],
      ["simple-run", ":3128", "x", "--timeout", secret],
      ["simple-run", ":3128", "x", "--dc-override", secret],
      ["simple-run", ":3128", "x", "--dc-override", `${secret}=1.2.3.4:5`],
      ["generate-secret", "--kind", secret],
      ["access", "x", "--ipv4", secret],
      ["access", "x", `--qr=${secret}`],
      ["check", secret],
      ["check", `tg://proxy?server=a.b&secret=${secret}`],
      ["check", `tg://proxy?server=a.b&port=1&secret=${secret}x!`],
      ["check", "x", `tg://proxy?server=a.b&port=1&secret=${secret}`],
      ["check", `tg://proxy?server=a.b&port=1&secret=${secret}`, "--timeout", secret],
    ];
    for (const args of lines) {
      const { code, errors } = await runMain(args);
      assertEquals(code, 2);
      assertEquals(errors.join("\n").includes(secret), false, `${args} ${errors}`);
    }
  }
});

Deno.test("main() does give 1 for what fails though it was asked rightly", async () => {
  const { code, out, errors } = await runMain(["simple-run", ":3128", hexKey], { failure: new Error("cannot listen") });
  assertEquals({ code, out, errors }, { code: 1, out: [], errors: ["mtg: cannot listen"] });
});
