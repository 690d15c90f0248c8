/** Who takes part in the demo besides the proxy and the client. */
import { FakeDc } from "../../tests/support/fake_dc.ts";
import { Site, siteName } from "../../tests/support/fronted_site.ts";
import { mtcuteProgram } from "../../tests/support/mtcute_client.ts";
import { MtprotoServer } from "../../tests/support/mtproto/server.ts";
import { print, seconds } from "./print.ts";

/** Of the data centre: what the client asks for, and must get back. */
export const dcNumber = 2;
export const country = "AQ";

export interface Stage {
  readonly server: MtprotoServer;
  readonly dc: FakeDc;
  readonly site: Site;
}

/** Sets the stage, introduces everybody, and clears it whatever happens. */
export async function withStage(play: (stage: Stage) => Promise<void>): Promise<void> {
  const server = await MtprotoServer.create(country);
  await using dc = FakeDc.start({ mode: server.handler });
  await using site = Site.tls();
  print(
    "Who takes part:",
    `  data centre  127.0.0.1:${dc.port}   stands in for Telegram's data centre ${dcNumber}, speaks its protocol, MTProto`,
    `  web site     127.0.0.1:${site.port}   stands in for the fronted host, ${siteName}: all that a stranger gets to see`,
    "  client       a process with the library @mtcute/node, as bots and apps use it",
    "  proxy        a process with `mtg run`, which may use the network and read files, and nothing else",
    "",
  );
  await play({ server, dc, site });
}

/** Downloads the client library if it is not here yet. @throws {Error} If that fails. */
export async function prepareClient(signal: AbortSignal): Promise<void> {
  const start = performance.now();
  const { success, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["cache", "--quiet", mtcuteProgram.href],
    stdout: "null",
    stderr: "piped",
    signal,
  }).output();
  if (!success) throw new Error(`the client library cannot be loaded: ${new TextDecoder().decode(stderr).trim()}`);
  const tookMs = performance.now() - start;
  if (tookMs > 5_000) print(`(Fetched the client library in ${seconds(tookMs)}.)`, "");
}
