/** What failures look like, why they happen most likely, and what can be done: in words for people who run no server. */
import { formatAddress, isIpv6, type TcpAddress } from "../address.ts";
import { messageOf } from "../errors.ts";
import type { SecretKind } from "../policy/secret.ts";
import { TimedOut } from "../relay/aborts.ts";
import { DcError } from "../telegram/ping.ts";
import type { Rebuff } from "./knock.ts";
import type { Step } from "./step.ts";

export type Finding = Pick<Step, "code" | "detail" | "cause" | "remedy">;

const elsewhere = "Try another network, such as mobile data in the place of Wi-Fi";
const freshLink = "Get a fresh link from whoever runs the proxy.";

export function nameFailed(host: string, error: unknown): Finding {
  if (error instanceof TimedOut) {
    return {
      code: "name-timeout",
      detail: `nobody tells the address of ${host}: ${error.message}`,
      cause: "This machine is not connected to the internet, or its network blocks name servers.",
      remedy: "Check that web pages open on this machine.",
    };
  }
  return {
    code: "no-name",
    detail: `the address of ${host} cannot be found: ${messageOf(error)}`,
    cause: "There is no such name, or the name server of this network hides it.",
    remedy:
      `Look for a typing error in the link. ${elsewhere}, or ask for a link with an address in the place of the name.`,
  };
}

export function tcpFailed(address: TcpAddress, error: unknown): Finding {
  const at = formatAddress(address);
  if (error instanceof TimedOut || wordOf(error) === "ETIMEDOUT") {
    return {
      code: "tcp-timeout",
      detail: `${at} does not answer`,
      cause: "This network blocks the address, a firewall at the proxy drops what comes, or its machine is off.",
      remedy:
        `${elsewhere}. If the proxy is reached from there, this network blocks it; if not, whoever runs it should ` +
        `see that the machine is on and that its firewall lets TCP port ${address.port} in.`,
    };
  }
  switch (wordOf(error)) {
    case "ECONNREFUSED":
      return {
        code: "refused",
        detail: `${at} refuses connections`,
        cause: `The machine is there, but no program listens on port ${address.port}: the proxy does not run, or the ` +
          "port in the link is wrong.",
        remedy: "Whoever runs the proxy should start it, and compare the port in the link with the one it listens on.",
      };
    case "ENETUNREACH":
    case "EHOSTUNREACH":
    case "EADDRNOTAVAIL":
      return {
        code: "unreachable",
        detail: `there is no way to ${at}`,
        cause: isIpv6(address.host)
          ? "This network has no IPv6."
          : "This machine is not connected to the internet, or its network has no route to that address.",
        remedy: isIpv6(address.host)
          ? "None needed if the proxy has an IPv4 address too; if not, ask for a link with one."
          : "Check that web pages open on this machine, and the address in the link.",
      };
    default:
      return {
        code: "tcp-failed",
        detail: `${at} cannot be reached: ${messageOf(error)}`,
        cause: "The system gives no other reason than this.",
        remedy: `${elsewhere}.`,
      };
  }
}

/** What the system says, as in errno; runtimes put it into `code`. */
function wordOf(error: unknown): unknown {
  return error instanceof Error && "code" in error ? error.code : undefined;
}

export interface Circumstances {
  /** In the secret. */
  readonly host: string;
  /** Whether an ordinary TLS client gets to the site behind the proxy at the same address and by the same name. */
  readonly visited: boolean;
  /** What is known of this machine's clock: whole sentences. */
  readonly clock: string;
}

/** No welcome in fake TLS. */
export function rebuffed(rebuff: Rebuff, { host, visited, clock }: Circumstances): Finding {
  if (visited && (rebuff.kind === "closed" || rebuff.kind === "reset" || rebuff.kind === "silent")) {
    return {
      code: "greeting-blocked",
      detail: "the greeting of a Telegram app gets no answer, an ordinary visit to the web site behind the proxy does",
      cause: "A censor on the way knows the greeting of Telegram's apps by its looks.",
      remedy: `${elsewhere}, or a newer version of the app, which may greet in another way.`,
    };
  }
  switch (rebuff.kind) {
    case "site":
      return {
        code: "site-answered",
        detail: "a web site answers, not the proxy",
        cause:
          "The secret in the link is not, or no longer, the one of the proxy, so the proxy took this client for a " +
          `stranger and showed the site that it hides behind. ${clock}`,
        remedy: freshLink,
      };
    case "alert":
      return {
        code: "tls-alert",
        detail: `a web server answers, not the proxy, and does not go on (TLS alert ${rebuff.code})`,
        cause: rebuff.code === 112
          ? `The proxy took this client for a stranger, and the site behind it does not know the name ${host}. ${clock}`
          : "The secret in the link is not, or no longer, the one of the proxy, or there is a web server in its place, or " +
            `a box on the way does not let the connection pass. ${clock}`,
        remedy: freshLink,
      };
    case "foreign":
      return {
        code: "not-tls",
        detail: "something answers that speaks no TLS",
        cause:
          "Another service listens on this port, or a proxy with a secret of another kind, or the network answers by itself, " +
          "as with a page to log in.",
        remedy: `Check that web pages open on this machine. ${freshLink}`,
      };
    case "closed":
      return {
        code: "closed-after-hello",
        detail: "the connection is closed as soon as this client has greeted",
        cause: "The proxy does not know the secret in the link and has no web site to show; or a box on the way cuts " +
          `connections that name ${host}. ${clock}`,
        remedy: `${elsewhere}. If that does not help: ${lower(freshLink)}`,
      };
    case "reset":
      return {
        code: "reset-after-hello",
        detail: "the connection is cut as soon as this client has greeted",
        cause:
          `A censor on the way acts on the name ${host}, on this address or on this kind of greeting. Less likely, ` +
          "the proxy does not know the secret and cannot reach the web site that it hides behind.",
        remedy: `${elsewhere}. If it works there, ask for a secret with another host, or for another proxy.`,
      };
    case "silent":
      return {
        code: "silent-after-hello",
        detail: "the connection stands, but the greeting gets no answer",
        cause:
          `A censor on the way swallows it because of the name ${host} or the address; or the proxy does not know ` +
          `the secret and has no web site to show. ${clock}`,
        remedy: `${elsewhere}. If that does not help: ${lower(freshLink)}`,
      };
    case "broken-off":
      return {
        code: "broken-off",
        detail: `the answer stops after ${rebuff.received} bytes`,
        cause:
          "Large packets get lost on the way (an MTU that is too large, often with a VPN), or a censor lets only the " +
          "first bytes pass.",
        remedy: `${elsewhere}, or switch a VPN off.`,
      };
  }
}

export function dcFailed(dc: number, kind: SecretKind, error: unknown): Finding {
  const proven = kind === "tls";
  const owner = "Whoever runs the proxy should look at its log, and see whether Telegram is reached from its machine.";
  const unproven = "The proxy does not know the secret in the link (or not this kind of secret)";
  if (error instanceof TimedOut) {
    return {
      code: "telegram-silent",
      detail: `data centre ${dc} does not answer through the proxy: ${error.message}`,
      cause: proven
        ? "The proxy knows the secret, but cannot reach Telegram."
        : `${unproven}, and then it is silent; or it cannot reach Telegram; or a censor stops connections that look like ` +
          "nothing known.",
      remedy: proven ? owner : `${freshLink} ${owner}`,
    };
  }
  const failure = error instanceof DcError ? error.kind : "no-handshake";
  switch (failure) {
    case "closed":
    case "reset":
      return {
        code: failure === "closed" ? "telegram-closed" : "telegram-reset",
        detail: `the proxy hangs up instead of passing on to data centre ${dc}`,
        cause: proven
          ? "The proxy knows the secret, but cannot reach Telegram, or serves as many clients as it may."
          : `${unproven}; or it cannot reach Telegram, or serves as many clients as it may; or a censor cuts connections ` +
            "that look like nothing known.",
        remedy: proven ? owner : `${freshLink} ${owner}`,
      };
    case "refused":
      return {
        code: "telegram-refused",
        detail: `data centre ${dc} is reached, and answers with an error: ${lower(messageOf(error))}`,
        cause: "The proxy works; Telegram does not like its address, or the proxy leads to a wrong data centre.",
        remedy: owner,
      };
    case "garbage":
      return {
        code: "telegram-garbage",
        detail: `what comes back is not from data centre ${dc}`,
        cause: proven
          ? "The proxy, or the way that it takes to Telegram, changes what is sent."
          : `${unproven}, so its web site answered; or another service listens on this port.`,
        remedy: proven ? owner : freshLink,
      };
    case "no-handshake":
      return {
        code: "telegram-no-handshake",
        detail: `the proxy has let this client in once, and not again for data centre ${dc}`,
        cause: "The proxy serves as many clients as it may, or a censor has begun to block it.",
        remedy: "Try again in some minutes.",
      };
  }
}

function lower(sentence: string): string {
  return sentence.charAt(0).toLowerCase() + sentence.slice(1);
}
