/** Configurations without a file, as in a container. */
import { assertEquals, assertMatch } from "@std/assert";
import { defaultFrontedHost } from "../../lib/policy/proxy_link.ts";
import { formatSecret, parseSecret } from "../../lib/policy/secret.ts";
import { configText, hexKey, type Outcome, runMain, tlsBase64 } from "./fake_environment.ts";

const data = { MTG_STATE_DIRECTORY: "/data", MTG_PUBLIC_HOST: "proxy.example.com" };

function served({ configs: [config] }: Outcome): readonly unknown[] {
  return [config && formatSecret(config.secret, "hex"), config?.bindTo, config?.workers];
}

const all443 = [{ kind: "tcp", host: "0.0.0.0", port: 443 }];

Deno.test("run does serve by the container's variables where it has no file, and print the links", async () => {
  for (const args of [["run", "/config.toml"], ["run"]]) {
    const outcome = await runMain(args, { env: { ...data, SECRET: hexKey } });
    assertEquals([outcome.code, outcome.errors, outcome.warnings], [0, [], []]);
    assertEquals(served(outcome), [hexKey, all443, 2]);
    assertMatch(outcome.out.join("\n"), /tg:\/\/proxy\?server=proxy\.example\.com&port=443&secret=/);
    assertEquals(outcome.state.size, 0, "what is given is not kept");
  }
});

Deno.test("run does make a secret once where none is given, and keep it", async () => {
  for (const env of [data, { ...data, SECRET_COUNT: "1" }]) {
    const first = await runMain(["run", "/config.toml"], { env });
    const kept = first.state.get("/data/secret") ?? "";
    const secret = parseSecret(kept);
    assertEquals([secret.kind, secret.host], ["tls", defaultFrontedHost()]);
    assertEquals(served(first)[0], formatSecret(secret, "hex"));
    assertEquals(first.errors, [
      "mtg: made a secret for www.microsoft.com, and keep it in /data/secret; one for a host of your own hides more: SECRET",
    ]);
    const second = await runMain(["run", "/config.toml"], { env, state: Object.fromEntries(first.state) });
    assertEquals([served(second), second.errors], [served(first), []]);
    const other = await runMain(["run", "/config.toml"], { env });
    assertEquals(served(other)[0] === served(first)[0], false);
  }
});

Deno.test("run does without a place to keep the secret, and says so", async () => {
  const outcome = await runMain(["run", "/config.toml"], { env: data, stateFault: new Error("read-only file system") });
  assertEquals([outcome.code, outcome.state.size, served(outcome)[1]], [0, 0, all443]);
  assertEquals(outcome.errors, [
    "mtg: made a secret for www.microsoft.com, which is in memory only, so that the next start makes another: " +
    "read-only file system",
  ]);
});

Deno.test("run, access, healthcheck and config check do adopt the secret of the Alpine image", async () => {
  const world = { env: data, state: { "/data/secret": `${hexKey}\n` }, isServing: true };
  assertEquals(served(await runMain(["run", "/config.toml"], world))[0], hexKey);
  assertEquals(served(await runMain(["healthcheck", "/config.toml"], world))[0], hexKey);
  const access = await runMain(["access", "/config.toml", "--offline"], world);
  assertEquals(JSON.parse(access.out.join("\n")).secret.hex, hexKey);
  const check = (await runMain(["config", "check", "/config.toml"], world)).out.join("\n");
  assertMatch(check, /^secret = \(hidden\) +# \/data\/secret:1$/m);
  assertMatch(check, /^bind-to = "0\.0\.0\.0:443" +# default of the container$/m);
  assertMatch(check, /^state\.directory = "\/data" +# MTG_STATE_DIRECTORY$/m);
});

Deno.test("run does put a given secret before the one that is kept, and MTG_SECRET before both", async () => {
  const state = { "/data/secret": "dd00112233445566778899aabbccddeeff" };
  const env = { ...data, SECRET: hexKey };
  assertEquals(served(await runMain(["run", "/config.toml"], { env, state }))[0], hexKey);
  const more = { ...env, MTG_SECRET: tlsBase64, MTG_BIND_TO: "0.0.0.0:3128" };
  const outcome = await runMain(["run", "/config.toml"], { env: more, state });
  assertEquals(served(outcome), [
    `ee${hexKey}6578616d706c652e636f6d`,
    [{ kind: "tcp", host: "0.0.0.0", port: 3128 }],
    2,
  ]);
});

Deno.test("run does put a file before the variables, and say that they have no effect", async () => {
  const env = { ...data, SECRET: "x,y", TAG: "z" };
  const files = { "/config.toml": configText("0.0.0.0:3128") };
  const outcome = await runMain(["run", "/config.toml"], { env, files });
  assertEquals([outcome.code, outcome.configs[0]?.workers], [0, "auto"]);
  assertEquals(outcome.warnings, [
    "SECRET, TAG: without effect, since there is /config.toml; MTG_ variables go before it",
  ]);
  // Elsewhere they may be anybody's.
  assertEquals((await runMain(["run", "a.toml"], { env, files: { "a.toml": configText(":1") } })).warnings, []);
});

Deno.test("run does take config.toml in a directory, and read it again there", async () => {
  const files = { "/config.toml/config.toml": configText("0.0.0.0:3128", "concurrency = 5") };
  const edits = [configText("0.0.0.0:3128", "concurrency = 6")];
  for (const path of ["/config.toml", "/config.toml/"]) {
    const { configs, warnings } = await runMain(["run", path], { files, edits, env: data });
    assertEquals([configs.map(({ concurrency }) => concurrency), warnings], [[5, 6], []]);
  }
});

const several = "several secrets at once are not in this version";

/** Commands, variables, what is kept, and the message. */
const refusals: readonly (readonly [string, Readonly<Record<string, string>>, string, string])[] = [
  ["run /config.toml", { SECRET: "a,b" }, "", `SECRET = (hidden): ${several}; expected one`],
  ["run", { SECRET_COUNT: "2" }, "", `SECRET_COUNT = "2": ${several}; expected 1`],
  [
    "run /config.toml",
    { TAG: hexKey },
    "",
    "TAG is set: ad tags, which promote a channel, are not in this version; leave it out",
  ],
  ["run /config.toml", {}, `${hexKey},${hexKey}\n`, `/data/secret: ${several}; expected one`],
  [
    "run /config.toml",
    { MTG_STATE_DIRECTORY: "/srv" },
    "",
    'MTG_STATE_DIRECTORY = "/srv": mtg may write files and use sockets in mtg-data, /var/lib/mtg, /data and /run/mtg only',
  ],
  ...["access", "healthcheck", "config check"].map((command) =>
    [
      `${command} /config.toml`,
      {},
      "",
      'there is no secret yet: give one by SECRET, or let "mtg run" make one and keep it in /data/secret',
    ] as const
  ),
  ["run /config.toml", {}, "\n", '/data/secret: it is empty; remove it, and "mtg run" makes a secret'],
  [
    "run /etc/mtg/",
    { SECRET: hexKey },
    "",
    "cannot read /etc/mtg/: it is a directory without config.toml in it " +
    "(Docker makes one where the file to be mounted does not exist)",
  ],
  ["run /etc/config.toml", { SECRET: hexKey }, "", "cannot read /etc/config.toml: there is no such file or directory"],
];

for (const [command, env, kept, message] of refusals) {
  Deno.test(`${command} does refuse: ${message}`, async () => {
    const state: Record<string, string> = kept === "" ? {} : { "/data/secret": kept };
    const { code, errors, configs } = await runMain(command.split(" "), { env: { ...data, ...env }, state });
    assertEquals([code, errors, configs], [2, [`mtg: ${message}`], []]);
  });
}

Deno.test("healthcheck does say in one line whether the proxy serves", async () => {
  const files = { "a.toml": configText("127.0.0.1:3128") };
  const good = await runMain(["healthcheck", "a.toml"], { files, isServing: true });
  assertEquals([good.code, good.out, good.errors], [0, ["serving"], []]);
  const bad = await runMain(["healthcheck", "a.toml"], { files });
  assertEquals([bad.code, bad.out, bad.errors], [1, [], ["mtg: nobody answers"]]);
});

const note = (bindTo: string) =>
  `# What is served now; mtg healthcheck asks by it.\nsecret = "${hexKey}"\nbind-to = ["${bindTo}"]\nallow-fallback-on-unknown-dc = false\n`;

Deno.test("run does leave word of what it serves while it does, where there is a directory for it", async () => {
  const seen: string[] = [];
  const state = { "/data/secret": `${hexKey}\n`, "/run/mtg/other": "" };
  const bound = [{ kind: "tcp", host: "0.0.0.0", port: 4_430 }] as const;
  for (const env of [data, { MTG_STATE_DIRECTORY: "/var/lib/mtg" }]) {
    const whileItServes = (kept: ReadonlyMap<string, string>) => {
      for (const [path, text] of kept) if (path.endsWith("/running.toml")) seen.push(`${path}\n${text}`);
    };
    const world = { env: { SECRET: hexKey, ...env }, state, bound, whileItServes };
    const { state: after } = await runMain(["run", "/config.toml"], world);
    assertEquals([...after.keys()].filter((path) => path.endsWith("/running.toml")), [], "gone at the end");
  }
  const text = note("0.0.0.0:4430");
  assertEquals(seen, [`/data/running.toml\n${text}`, `/run/mtg/running.toml\n${text}`]);
});

Deno.test("run does keep its word up to date, and leaves alone what another has left since", async () => {
  const seen: (string | undefined)[] = [];
  const files = { "a.toml": configText("127.0.0.1:3128") };
  const state = { "mtg-data/secret": "" };
  const other = note("127.0.0.1:1");
  const whileItServes = (kept: Map<string, string>) => {
    seen.push(kept.get("mtg-data/running.toml"));
    kept.set("mtg-data/running.toml", other);
  };
  const edits = [configText("127.0.0.1:3128", "allow-fallback-on-unknown-dc = true")];
  const { state: after } = await runMain(["run", "a.toml"], { files, state, edits, whileItServes });
  assertEquals(seen.map((text) => /unknown-dc = (.*)/.exec(text ?? "")?.[1]), ["true"]);
  assertEquals(after.get("mtg-data/running.toml"), other);
});

Deno.test("healthcheck does ask by what is served, not by a file that has been changed since", async () => {
  const state = { "/data/running.toml": note("127.0.0.1:4430") };
  const files = { "/config.toml": "nonsense = 1", "a.toml": configText("127.0.0.1:3128") };
  for (const command of [["healthcheck"], ["healthcheck", "/config.toml"]]) {
    const { code, configs } = await runMain(command, { files, state, isServing: true });
    assertEquals([code, configs.map(({ bindTo }) => bindTo)], [0, [[{ kind: "tcp", host: "127.0.0.1", port: 4_430 }]]]);
  }
  const { configs } = await runMain(["healthcheck", "a.toml"], { files, state, isServing: true });
  assertEquals(configs.map(({ bindTo }) => bindTo), [[{ kind: "tcp", host: "127.0.0.1", port: 3_128 }]]);
});

Deno.test("healthcheck does say that nobody has left word, and asks by variables where they say all", async () => {
  const nobody = await runMain(["healthcheck"]);
  assertEquals([nobody.code, nobody.errors], [1, ["mtg: no proxy has left word that it runs; give its configuration"]]);
  const env = { MTG_SECRET: hexKey, MTG_BIND_TO: "127.0.0.1:3128" };
  assertEquals((await runMain(["healthcheck"], { env, isServing: true })).code, 0);
});

Deno.test("run does say which variables of a container have no effect beside MTG_SECRET", async () => {
  const env = { MTG_SECRET: hexKey, MTG_BIND_TO: "127.0.0.1:3128", SECRET: hexKey, TAG: hexKey };
  const { code, warnings } = await runMain(["run"], { env });
  assertEquals([code, warnings], [0, [
    "SECRET, TAG: without effect, since MTG_ variables are the whole configuration",
  ]]);
});
