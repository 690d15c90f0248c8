/** A visitor who knows no secret: what a browser, or a censor's probe, gets from the proxy's address. */
import { ByteReader } from "../../tests/support/byte_reader.ts";
import { siteAuthority, siteName } from "../../tests/support/fronted_site.ts";
import { sendAll } from "../../tests/support/raw_client.ts";

/**
 * Fetches `/` over TLS and checks the certificate. Gives the title of the page.
 *
 * @throws {Error} If the connection, the certificate or the answer is not the site's.
 */
export async function visitAsStranger(port: number): Promise<string> {
  const plain = await Deno.connect({ hostname: "127.0.0.1", port });
  using conn = await Deno.startTls(plain, { hostname: siteName, caCerts: [siteAuthority] });
  await sendAll(conn, new TextEncoder().encode(`GET / HTTP/1.1\r\nhost: ${siteName}\r\n\r\n`));
  const answer = new TextDecoder().decode(await new ByteReader((into) => conn.read(into)).all());
  const title = /<title>(.*?)<\/title>/.exec(answer)?.[1];
  if (!answer.startsWith("HTTP/1.1 200") || title === undefined) throw new Error("a stranger got no page");
  return title;
}
