// deno-lint-ignore-file no-console
/**
 * TDLib in a process of its own: asks it to test proxies, all at once, and prints what it says of each, a line of JSON each.
 *
 *   tdlib_call.ts LIBRARY PORT SECRET…
 *
 * Testing a proxy is all that TDLib does here: it connects to the proxy, agrees on a key with data centre 2 behind it, and ends.
 */
const [library = "", port = "", ...secrets] = Deno.args;
const timeoutSeconds = 20;

const { symbols } = Deno.dlopen(library, {
  td_execute: { parameters: ["buffer"], result: "pointer" },
  td_create_client_id: { parameters: [], result: "i32" },
  td_send: { parameters: ["i32", "buffer"], result: "void" },
  td_receive: { parameters: ["f64"], result: "pointer", nonblocking: true },
});

const cString = (value: unknown) => new TextEncoder().encode(`${JSON.stringify(value)}\0`);

symbols.td_execute(cString({ "@type": "setLogVerbosityLevel", new_verbosity_level: 0 }));
const client = symbols.td_create_client_id();
secrets.forEach((secret, index) => {
  const type = { "@type": "proxyTypeMtproto", secret };
  const proxy = { "@type": "proxy", server: "127.0.0.1", port: Number(port), type };
  symbols.td_send(client, cString({ "@type": "testProxy", "@extra": index, dc_id: 2, timeout: timeoutSeconds, proxy }));
});
for (let left = secrets.length; left > 0;) {
  const answer = await symbols.td_receive(1);
  if (answer === null) continue;
  const { "@type": type, "@extra": index, message } = JSON.parse(Deno.UnsafePointerView.getCString(answer));
  // The rest is news of its own.
  if (typeof index !== "number") continue;
  console.log(JSON.stringify({ index, type, message }));
  left--;
}
Deno.exit(0);
