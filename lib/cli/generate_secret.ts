import { choice } from "../config/values.ts";
import { formatSecret, type Secret, secretKeySize, type SecretKind, secretOf } from "../policy/secret.ts";
import { type Command, usageError, wrongValue } from "./command.ts";

const kinds: readonly SecretKind[] = ["tls", "secured", "simple"];

export const generateSecret: Command = {
  name: "generate-secret",
  summary: "make a new secret",
  docs: "Prints a new secret as base64url, as it goes into a configuration and into links.\n" +
    "A tls secret makes the proxy look like the web site <hostname>: best one of your own that is served next to the\n" +
    "proxy. secured and simple secrets hide less, and need no host name.",
  arguments: [{ name: "[<hostname>]", docs: "the web site to look like, for a tls secret" }],
  flags: [
    { name: "hex", short: "x", docs: "Print hex, which older clients need." },
    { name: "kind", value: "<tls|secured|simple>", completes: kinds, docs: "What kind of secret. Default: tls." },
  ],
  run: (input, environment) => {
    const wanted = input.value("kind") ?? "tls";
    const kind = choice(kinds)(wanted);
    if (!kind.ok) throw wrongValue("kind", wanted, kind.expected);
    const encoding = input.has("hex") ? "hex" : "base64";
    const host = input.arguments[0]?.toLowerCase() ?? "";
    if (kind.value === "tls" && host === "") {
      throw usageError(
        "generate-secret needs <hostname> for a tls secret, as in: mtg generate-secret www.example.com",
      );
    }
    environment.print(freshSecret(kind.value, host, encoding));
    return Promise.resolve(0);
  },
};

/** Never begins with a dash, which `simple-run` and other tools would take for a flag. */
function freshSecret(kind: SecretKind, host: string, encoding: "hex" | "base64"): string {
  for (;;) {
    const text = formatSecret(randomSecret(kind, host), encoding);
    if (!text.startsWith("-")) return text;
  }
}

/** @throws {ConfigError} If `host` does not fit the kind. */
export function randomSecret(kind: SecretKind, host: string): Secret {
  try {
    return secretOf(kind, crypto.getRandomValues(new Uint8Array(secretKeySize)), host);
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    throw usageError(error.message);
  }
}
