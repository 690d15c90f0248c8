import { assertEquals, assertThrows } from "@std/assert";
import {
  containerLayers,
  containerVariables,
  hasContainerVariables,
  keptSecretLayer,
} from "../../lib/config/container_env.ts";
import { envLayer } from "../../lib/config/env.ts";
import { allFields } from "../../lib/config/fields.ts";
import { loadLayers } from "../../lib/config/parse.ts";
import { ConfigError } from "../../lib/errors.ts";
import { permissions } from "../../lib/permissions.ts";
import { formatSecret } from "../../lib/policy/secret.ts";

const hex = "00112233445566778899aabbccddeeff";
const tls = "7gARIjNEVWZ3iJmqu8zd7v9leGFtcGxlLmNvbQ";

type Variables = Readonly<Record<string, string>>;

function load(variables: Variables) {
  const env = (name: string) => variables[name];
  return loadLayers([...containerLayers(env).layers, envLayer(env, allFields)]);
}

function essence(variables: Variables): readonly unknown[] {
  const { config, values } = load(variables);
  const froms = ["secret", "bind-to", "workers"].map((key) => values.find((value) => value.key === key)?.from);
  return [formatSecret(config.secret, "hex"), config.bindTo, config.workers, froms];
}

const all = (port: number) => [{ kind: "tcp", host: "0.0.0.0", port }];
const preset = "default of the container";

/** Variables, and what they mean. */
const good: readonly (readonly [Variables, readonly unknown[]])[] = [
  [{ SECRET: hex }, [hex, all(443), 2, ["SECRET", preset, preset]]],
  [{ SECRET: ` dd${hex.toUpperCase()}\n` }, [`dd${hex}`, all(443), 2, ["SECRET", preset, preset]]],
  [{ SECRET: tls, WORKERS: "3", HTTP_PORT: "8443", SECRET_COUNT: "1" }, [
    `ee${hex}6578616d706c652e636f6d`,
    all(8443),
    3,
    ["SECRET", "HTTP_PORT", "WORKERS"],
  ]],
  [{ MTP_SECRET: hex, MTP_PORT: "1443", WORKERS: "auto" }, [hex, all(1443), "auto", [
    "MTP_SECRET",
    "MTP_PORT",
    "WORKERS",
  ]]],
  [{ SECRET: hex, TAG: "", MTP_SECRET: " ", SECRET_COUNT: "" }, [hex, all(443), 2, ["SECRET", preset, preset]]],
  [{ SECRET: tls, MTG_SECRET: hex, MTG_BIND_TO: "0.0.0.0:1", MTG_WORKERS: "1" }, [
    hex,
    all(1),
    1,
    ["MTG_SECRET", "MTG_BIND_TO", "MTG_WORKERS"],
  ]],
];

for (const [variables, expected] of good) {
  Deno.test(`containerLayers() does understand ${Object.keys(variables)}, ${expected[2]} workers`, () => {
    assertEquals(essence(variables), expected);
  });
}

const several = "several secrets at once are not in this version";
const tags = "ad tags, which promote a channel, are not in this version; leave it out";
const portForms = "expected a port, which is a number from 1 to 65535";
const ownKind = "a secret opens its own kind of connection only; leave it out";

/** Variables, and what is said about them. */
const wrong: readonly (readonly [Variables, string])[] = [
  [{ SECRET: `${hex},${hex}` }, `SECRET = (hidden): ${several}; expected one`],
  [{ MTP_SECRET: `${hex},` }, `MTP_SECRET = (hidden): ${several}; expected one`],
  [{ SECRET: hex, MTP_SECRET: hex }, "SECRET and MTP_SECRET are set: expected only one of them"],
  [{ SECRET: hex, HTTP_PORT: "443", MTP_PORT: "443" }, "HTTP_PORT and MTP_PORT are set: expected only one of them"],
  [{ SECRET: hex, HTTP_PORT: "0" }, `HTTP_PORT = "0": ${portForms}`],
  [{ SECRET: hex, MTP_PORT: "http" }, `MTP_PORT = "http": ${portForms}`],
  [{ SECRET: hex, WORKERS: "0" }, 'WORKERS = 0: expected "auto" or a whole number from 1 to 256'],
  [{ SECRET: hex, WORKERS: "two" }, 'WORKERS = "two": expected "auto" or a whole number from 1 to 256'],
  [{ SECRET_COUNT: "2" }, `SECRET_COUNT = "2": ${several}; expected 1`],
  [{ SECRET_COUNT: "0" }, 'SECRET_COUNT = "0": expected 1'],
  [{ SECRET_COUNT: "one" }, 'SECRET_COUNT = "one": expected 1'],
  [{ SECRET: hex, TAG: hex }, `TAG is set: ${tags}`],
  [{ SECRET: hex, MTP_TAG: hex }, `MTP_TAG is set: ${tags}`],
  [{ SECRET: hex, MTP_DD_ONLY: "t" }, `MTP_DD_ONLY is set: ${ownKind}, and put dd before the 32 digits of the secret`],
  [
    { SECRET: hex, MTP_TLS_ONLY: "t" },
    `MTP_TLS_ONLY is set: ${ownKind}, and give a secret that "mtg generate-secret www.example.com" has made`,
  ],
  [
    { SECRET_COUNT: "3", TAG: hex, SECRET: "a,b" },
    [
      `SECRET = (hidden): ${several}; expected one`,
      `SECRET_COUNT = "3": ${several}; expected 1`,
      `TAG is set: ${tags}`,
    ].join("\n"),
  ],
];

for (const [variables, message] of wrong) {
  Deno.test(`containerLayers() does refuse: ${message.split("\n")[0]}`, () => {
    assertEquals(assertThrows(() => load(variables), ConfigError).message, message);
  });
}

Deno.test("containerLayers() does repeat no secret that is wrong", () => {
  const { message } = assertThrows(() => load({ SECRET: `${hex}00` }), ConfigError);
  assertEquals(
    [message.startsWith("SECRET = (hidden): cannot use the secret: it has 17 bytes"), message.includes(hex)],
    [
      true,
      false,
    ],
  );
});

Deno.test("hasContainerVariables() does go by the secret, since others have other uses", () => {
  const has = (variables: Variables) => hasContainerVariables((name) => variables[name]);
  assertEquals([{ SECRET: "x" }, { MTP_SECRET: "x" }, { SECRET_COUNT: "1" }].map(has), [true, true, true]);
  assertEquals([{}, { SECRET: "" }, { WORKERS: "1", TAG: "x", HTTP_PORT: "1" }].map(has), [false, false, false]);
});

Deno.test("containerVariables() does name those that are set", () => {
  const variables: Variables = { TAG: "x", SECRET: "y", WORKERS: "", HOME: "/" };
  assertEquals(containerVariables((name) => variables[name]), ["SECRET", "TAG"]);
});

Deno.test("keptSecretLayer() does take what the Alpine image has written, and our own", () => {
  for (const [text, expected] of [[`${hex}\n`, hex], [`${tls}\n`, `ee${hex}6578616d706c652e636f6d`]] as const) {
    const { config, values } = loadLayers([
      containerLayers(() => undefined).layers[0],
      keptSecretLayer(text, "/data/secret"),
    ]);
    assertEquals(formatSecret(config.secret, "hex"), expected);
    assertEquals(values.find(({ key }) => key === "secret")?.from, "/data/secret:1");
  }
});

Deno.test("keptSecretLayer() does refuse several, and what is no secret, by the file's name", () => {
  assertEquals(
    assertThrows(() => keptSecretLayer(`${hex},${hex}\n`, "/data/secret"), ConfigError).message,
    `/data/secret: ${several}; expected one`,
  );
  const { message } = assertThrows(
    () => loadLayers([containerLayers(() => undefined).layers[0], keptSecretLayer("junk", "/data/secret")]),
    ConfigError,
  );
  assertEquals(message.startsWith("/data/secret:1:1: secret = (hidden): cannot "), true, message);
});

Deno.test("the table of permissions does let every variable of the container be read", () => {
  const allowed = permissions.filter(({ kind }) => kind === "env").flatMap(({ values }) => values);
  const names = containerVariables(() => "x");
  assertEquals(names.length, 10);
  const isAllowed = (name: string) =>
    allowed.some((value) => value.endsWith("*") ? name.startsWith(value.slice(0, -1)) : name === value);
  assertEquals(names.filter((name) => !isAllowed(name)), []);
});
