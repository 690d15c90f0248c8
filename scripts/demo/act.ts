/** One act of the demo: a proxy with one kind of secret, and a client that calls through it. */
import { formatSecret, secretKeySize, type SecretKind, secretOf } from "../../lib/policy/secret.ts";
import { randomBytes } from "../../tests/support/byte_reader.ts";
import { siteName } from "../../tests/support/fronted_site.ts";
import { callWithMtcute, type MtcuteReport } from "../../tests/support/mtcute_client.ts";
import type { MtprotoEvent } from "../../tests/support/mtproto/server.ts";
import { proxyConfig, ProxyProcess } from "../../tests/support/proxy_process.ts";
import { milliseconds, print, remark, step } from "./print.ts";
import { country, dcNumber, type Stage } from "./stage.ts";
import { visitAsStranger } from "./stranger.ts";

const titles: Record<SecretKind, string> = {
  simple: "1. A simple secret: every byte looks random",
  secured: "2. A secured secret: the same, and packets are padded so that their sizes say less",
  tls: `3. A fake-TLS secret: it looks like HTTPS to ${siteName}`,
};

const callLimitMs = 20_000;

interface CallOrder {
  readonly secret: string;
  readonly signal: AbortSignal;
}

/** @throws {Error} If anything did not go as it should; the message says what. */
export async function act(kind: SecretKind, stage: Stage, signal: AbortSignal): Promise<void> {
  signal.throwIfAborted();
  print(titles[kind]);
  const secret = formatSecret(secretOf(kind, randomBytes(secretKeySize), kind === "tls" ? siteName : ""), "base64");
  const dcs = { [String(dcNumber)]: stage.dc.addresses };
  const start = performance.now();
  await using proxy = await ProxyProcess.start(proxyConfig({ secret, dcs, frontPort: stage.site.port }));
  step(performance.now() - start, `the proxy has started and listens on 127.0.0.1:${proxy.port}, with a fresh secret`);
  using _ = stopOnAbort(proxy, signal);
  await call(proxy, { secret, signal }, stage);
  if (kind === "tls") await stranger(proxy);
  const stopping = performance.now();
  const code = await proxy.stop();
  signal.throwIfAborted();
  if (code !== 0) throw new Error(`the proxy ended with exit code ${code}:\n${proxy.log}`);
  step(performance.now() - stopping, "the proxy was told to stop, and did");
  print("");
}

async function call(proxy: ProxyProcess, { secret, signal }: CallOrder, { server, dc }: Stage): Promise<void> {
  const eventsBefore = server.events.length;
  const connectionsBefore = dc.connections.length;
  const order = { port: proxy.port, secret, dc: dcNumber, publicPem: server.publicPem, timeoutMs: callLimitMs };
  const report = await callWithMtcute(order, { signal });
  if (!report.ok) throw new Error(`the client got no answer (${report.reason}). The proxy says:\n${proxy.log}`);
  const [connection, ...others] = dc.connections.slice(connectionsBefore);
  if (connection === undefined || others.length > 0) throw new Error("the data centre did not see one connection");
  if (connection.fault !== undefined) throw new Error(`Telegram would refuse the connection: ${connection.fault}`);
  if (report.country !== country || report.dc !== dcNumber) throw new Error("the client got an answer of another");
  tell(report, server.events.slice(eventsBefore));
}

/** The data centre's own clock tells the key exchange from the start of the client and its pauses. */
function tell(report: MtcuteReport & { ok: true }, events: readonly MtprotoEvent[]): void {
  const asked = events.find(({ kind }) => kind === "plain");
  const agreed = events.find(({ kind }) => kind === "key");
  if (asked === undefined || agreed === undefined) throw new Error("the data centre saw no key exchange");
  step(agreed.atMs - asked.atMs, "the client and the data centre agreed on a key, in three questions and answers");
  step(
    report.secondCallMs,
    `help.getNearestDc, a call under that key, brought "country ${report.country}, data centre ${report.dc}"`,
  );
  const whole = milliseconds(report.firstCallMs);
  remark(`(from connecting to the answer of a first call: ${whole}, of which the library itself pauses 1 s)`);
}

async function stranger(proxy: ProxyProcess): Promise<void> {
  const start = performance.now();
  const title = await visitAsStranger(proxy.port);
  step(performance.now() - start, `a stranger without the secret opened https://${siteName} at the proxy's address,`);
  remark(`and got the page "${title}" with the certificate of the site itself`);
}

/** Ends the proxy, and with it all that waits for it, when time is up. */
function stopOnAbort(proxy: ProxyProcess, signal: AbortSignal): Disposable {
  const stop = () => void proxy.stop();
  signal.addEventListener("abort", stop);
  return { [Symbol.dispose]: () => signal.removeEventListener("abort", stop) };
}
