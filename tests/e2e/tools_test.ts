/** curl and openssl through the proxy see what they see at the fronted site. `fronting_test.ts` needs neither. */
import { assert, assertEquals } from "@std/assert";
import { fileURLToPath } from "node:url";
import { Site, siteName, sitePage } from "../support/fronted_site.ts";
import { patient } from "../support/patience.ts";
import { startProxy } from "./tested_proxy.ts";

const authority = fileURLToPath(new URL("../fixtures/tls/ca.pem", import.meta.url));
const limitMs = patient(20_000);

async function isInstalled(tool: string): Promise<boolean> {
  try {
    const argument = tool === "openssl" ? "version" : "--version";
    return (await new Deno.Command(tool, { args: [argument], stdout: "null", stderr: "null" }).output()).success;
  } catch {
    return false;
  }
}

interface Ran {
  readonly code: number;
  readonly out: string;
}

async function run(tool: string, args: readonly string[], input = ""): Promise<Ran> {
  const child = new Deno.Command(tool, {
    args: [...args],
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
    signal: AbortSignal.timeout(limitMs),
  }).spawn();
  const writer = child.stdin.getWriter();
  await writer.write(new TextEncoder().encode(input));
  await writer.close();
  const { code, stdout } = await child.output();
  return { code, out: new TextDecoder().decode(stdout) };
}

/** Runs a tool against the site and against the proxy in front of it. */
async function both(visit: (port: number) => Promise<Ran>): Promise<readonly [Ran, Ran]> {
  await using site = Site.tls();
  await using proxy = await startProxy({ site });
  const seen = [await visit(site.port), await visit(proxy.port)] as const;
  assertEquals(site.connections, 2);
  return seen;
}

/** What does not change from one connection to the next. */
function steady(out: string): readonly string[] {
  const wanted =
    /^(subject=|issuer=|\s*\d s:|\s*i:|Server Temp Key|New, |Server public key|Peer sig|Verification|Protocol|ALPN|No ALPN)/;
  return out.split("\n").filter((line) => wanted.test(line));
}

const hasCurl = await isInstalled("curl");
const hasOpenssl = await isInstalled("openssl");
if (!hasCurl || !hasOpenssl) {
  const missing = [hasCurl ? [] : ["curl"], hasOpenssl ? [] : ["openssl"]].flat().join(" and ");
  Deno.stderr.writeSync(new TextEncoder().encode(`${missing}: not installed, the tests with it are left out\n`));
}

for (const version of ["--tlsv1.3", "--tls-max=1.2"]) {
  Deno.test({
    name: `curl ${version} gets the page of the fronted site through the proxy`,
    ignore: !hasCurl,
    fn: async () => {
      const [direct, fronted] = await both((port) => {
        const to = [`--resolve`, `${siteName}:${port}:127.0.0.1`, `https://${siteName}:${port}/`];
        const maximum = version === "--tlsv1.3" ? [version] : ["--tls-max", "1.2"];
        return run("curl", [
          "--silent",
          "--show-error",
          "--include",
          "--noproxy",
          "*",
          ...maximum,
          "--cacert",
          authority,
          ...to,
        ]);
      });
      assertEquals(direct.code, 0);
      assert(direct.out.endsWith(sitePage));
      assertEquals(fronted, direct);
    },
  });
}

Deno.test({
  name: "curl in clear text gets the same through the proxy as at the fronted site",
  ignore: !hasCurl,
  fn: async () => {
    const [direct, fronted] = await both((port) =>
      run("curl", ["--silent", "--noproxy", "*", "--http0.9", `http://127.0.0.1:${port}/`])
    );
    assertEquals(fronted, direct);
  },
});

for (const version of ["-tls1_3", "-tls1_2"]) {
  Deno.test({
    name: `openssl s_client ${version} sees the fronted site through the proxy`,
    ignore: !hasOpenssl,
    fn: async () => {
      const [direct, fronted] = await both((port) => {
        const to = ["-connect", `127.0.0.1:${port}`, "-servername", siteName, "-verify_hostname", siteName];
        const request = `GET / HTTP/1.1\r\nhost: ${siteName}\r\n\r\n`;
        return run("openssl", ["s_client", version, "-CAfile", authority, "-ign_eof", ...to], request);
      });
      assertEquals(direct.code, 0);
      assert(direct.out.includes("Verification: OK"), direct.out);
      assert(steady(direct.out).length > 4, direct.out);
      assertEquals([fronted.code, steady(fronted.out)], [direct.code, steady(direct.out)]);
      assert(fronted.out.includes(sitePage));
    },
  });
}
