/** HAProxy as a way from one socket to another. */
import { Router } from "./router.ts";

/** A listening socket of HAProxy, and where it leads. */
export interface Passage {
  /** 127.0.0.1 by default. */
  readonly hostname?: string;
  /** On the listening side, such as `accept-proxy`. */
  readonly bindOptions?: string;
  /** On 127.0.0.1. */
  readonly toPort: number;
  /** On the other side, such as `send-proxy`. */
  readonly serverOptions?: string;
}

/** Started and listening, with a port for each passage. @throws {Error} With what it says if it does not start. */
export function startHaProxy(...passages: readonly Passage[]): Promise<Router> {
  const hostnames = passages.map(({ hostname = "127.0.0.1" }) => hostname);
  return Router.start("haproxy", hostnames, ({ ports }) => configOf(passages, ports));
}

function configOf(passages: readonly Passage[], ports: readonly number[]): string {
  const sections = passages.map(({ hostname = "127.0.0.1", bindOptions = "", toPort, serverOptions = "" }, index) => `
listen passage${index}
  bind ${hostname}:${ports[index]} ${bindOptions}
  server there 127.0.0.1:${toPort} ${serverOptions}`);
  return `
defaults
  mode tcp
  timeout connect 5s
  timeout client 30s
  timeout server 30s
${sections.join("\n")}
`;
}
