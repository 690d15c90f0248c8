import type { Family } from "../address.ts";
import { ipv4, ipv6 } from "../config/address_values.ts";
import type { Config } from "../config/config.ts";
import { type Parser, port } from "../config/values.ts";
import { ConfigError } from "../errors.ts";
import { proxyLinks } from "../policy/proxy_link.ts";
import { formatSecret, type Secret } from "../policy/secret.ts";
import { type Command, type Input, wrongValue } from "./command.ts";
import { configArgument, explain, readConfigFile } from "./config_file.ts";
import type { Environment } from "./environment.ts";
import { type Detected, type LinkTarget, linkTargets, noTargetHint, unknownFamilies } from "./links.ts";
import { qrDataLink, qrPng, qrSvg, qrText } from "./qr.ts";

type Encoding = "hex" | "base64";

export const access: Command = {
  name: "access",
  summary: "show the links that clients need",
  docs:
    "Prints JSON with the secret in both encodings and, for the host, IPv4 and IPv6 address of the proxy as far as\n" +
    "they are known, its links and their QR codes as pictures in data: links. What is known comes from the flags, then\n" +
    "from public-host, public-ipv4 and public-ipv6 in the configuration, then from bind-to. Where bind-to is all\n" +
    "interfaces and none of these says more, two services in the internet are asked what address they see.",
  arguments: [configArgument],
  flags: [
    { name: "ipv4", short: "i", value: "<address>", docs: "The public IPv4 address." },
    { name: "ipv6", short: "I", value: "<address>", docs: "The public IPv6 address." },
    { name: "port", short: "p", value: "<port>", docs: "The public port; 0 is the one listened on." },
    { name: "hex", short: "x", docs: "Put the secret into links as hex, which older clients need." },
    { name: "offline", docs: "Ask nobody: what is not known is left out." },
    {
      name: "qr",
      value: "[<file.svg|file.png>]",
      isValue: isPicture,
      completes: "file",
      docs: "Draw the QR code in the terminal in place of the JSON, or write it to a file.",
    },
  ],
  run: async (input, environment) => {
    const qrFile = readQrFile(input);
    const overrides = {
      ipv4: readFlag(input, "ipv4", ipv4),
      ipv6: readFlag(input, "ipv6", ipv6),
      // As in mtg v2, where that is the default.
      port: input.value("port") === "0" ? undefined : readFlag(input, "port", port),
    };
    const config = await readConfigFile(input.arguments[0], environment);
    const encoding = input.has("hex") ? "hex" : "base64";
    const known = linkTargets(config, config.bindTo, overrides);
    const isEnough = input.has("offline") || (qrFile === "" && known.length > 0);
    const wanted = isEnough ? [] : unknownFamilies(config, config.bindTo, overrides);
    const detected = await detect(config, wanted, environment);
    const targets = linkTargets(config, config.bindTo, overrides, detected);
    const [first] = targets;
    if (first === undefined) {
      const hint = noTargetHint(config, config.bindTo);
      if (qrFile !== undefined) throw new ConfigError(hint, { path: "public-host" });
      environment.printError(`mtg: ${hint}`);
    } else if (qrFile !== undefined) {
      const { tg } = proxyLinks({ ...first, secret: config.secret, encoding });
      if (qrFile === "") return drawQr(tg, environment);
      await writeQr(tg, qrFile, environment);
    }
    environment.print(JSON.stringify(await describe(config.secret, targets, encoding), undefined, 2));
    return 0;
  },
};

async function detect(config: Config, wanted: readonly Family[], environment: Environment): Promise<Detected> {
  if (wanted.length === 0) return {};
  const detected = await environment.detectAddresses(config, wanted);
  for (const problem of detected.problems) environment.printError(`mtg: ${problem}`);
  return detected;
}

function isPicture(path: string): boolean {
  return /[^/\\]\.(svg|png)$/i.test(path);
}

/** The file to write, empty for the terminal, `undefined` for no QR code. */
function readQrFile(input: Input): string | undefined {
  const file = input.value("qr");
  if (file === undefined || file === "" || isPicture(file)) return file;
  throw wrongValue("qr", file, "expected a file whose name ends in .svg or .png, or nothing");
}

function readFlag<T>(input: Input, flag: string, parser: Parser<T>): T | undefined {
  const text = input.value(flag);
  if (text === undefined) return undefined;
  const parsed = parser(text);
  if (!parsed.ok) throw wrongValue(flag, text, parsed.expected);
  return parsed.value;
}

async function drawQr(link: string, environment: Environment): Promise<number> {
  environment.print(`${await qrText(link, { colours: environment.isTerminal })}\n${link}`);
  return 0;
}

async function writeQr(link: string, file: string, environment: Environment): Promise<void> {
  const isSvg = file.toLowerCase().endsWith(".svg");
  const bytes = isSvg ? new TextEncoder().encode(await qrSvg(link)) : await qrPng(link);
  try {
    await environment.writeFile(file, bytes);
  } catch (error) {
    throw new Error(`cannot write ${file}: ${explain(error, "--allow-write")}`);
  }
}

async function describe(secret: Secret, targets: readonly LinkTarget[], encoding: Encoding): Promise<object> {
  const blocks: Record<string, object> = {};
  for (const { family, server, port } of targets) {
    const { tg, tme } = proxyLinks({ server, port, secret, encoding });
    blocks[family] = {
      [family === "host" ? "host" : "ip"]: server,
      port,
      tg_url: tg,
      tg_qrcode: await qrDataLink(tg),
      tme_url: tme,
      tme_qrcode: await qrDataLink(tme),
    };
  }
  return { ...blocks, secret: { hex: formatSecret(secret, "hex"), base64: formatSecret(secret, "base64") } };
}
