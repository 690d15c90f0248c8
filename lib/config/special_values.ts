/** Parsers of values that a key or two alone have. See `values.ts` for what a parser is. */
import { writableDirectories, writableOnly } from "../permissions.ts";
import { anyCase, bad, bytes, describe, good, integer } from "./values.ts";

/** A data centre as clients ask for it: its sign says "media", its size (10,000 more) "test". It travels in 16 bits. */
export const dcNumber = describe<number>({ type: "string", pattern: "^-?[1-9]\\d{0,4}$" }, (raw) => {
  const value = typeof raw === "string" && /^-?[1-9]\d{0,4}$/.test(raw) ? Number(raw) : 0;
  if (value !== 0 && Math.abs(value) <= 32_767) return good(value);
  return bad('expected the number of a data centre such as "2", "-2" (media) or "10002" (test)');
});

const sizeToBuffer = bytes({ bytes: 2 ** 18, text: "256kib" });

/** Below 4 KiB there is one more size of buffers, which is what idle clients have. */
export const largestBuffer = describe<number>(sizeToBuffer.schema, (raw) => {
  const parsed = sizeToBuffer(raw);
  return parsed.ok && parsed.value < 4096 ? bad('expected a size from "4kib" to "256kib"') : parsed;
});

/** One for each core, or so many. */
export const workerCount = describe<number | "auto">(
  { anyOf: [{ const: "auto" }, { type: "string", pattern: `^${anyCase("auto")}$` }, integer(1, 256).schema] },
  (raw) => {
    if (typeof raw === "string" && raw.trim().toLowerCase() === "auto") return good("auto");
    const parsed = integer(1, 256)(raw);
    return parsed.ok ? parsed : bad('expected "auto" or a whole number from 1 to 256');
  },
);

/** The address of a web page, over TLS. */
export const httpsUrl = describe<string>(
  { type: "string", pattern: "^\\s*[hH][tT][tT][pP][sS]://\\S+\\s*$" },
  (raw) => {
    const text = typeof raw === "string" ? raw.trim() : "";
    if (/^https:\/\/[^/\s]/i.test(text) && URL.canParse(text)) return good(text);
    return bad('expected an address such as "https://www.example.com/page"');
  },
);

/** A list of networks: a web address or a file. */
export const listSource = describe<string>({ type: "string", pattern: "\\S" }, (raw) => {
  const text = typeof raw === "string" ? raw.trim() : "";
  const [, scheme] = /^([a-z][a-z0-9+.-]*):\/\//i.exec(text) ?? [];
  const isRight = scheme === undefined ? text !== "" : /^https?$/i.test(scheme) && URL.canParse(text);
  return isRight ? good(text) : bad('expected an address such as "https://example.com/list.netset", or a file');
});

/** The first part of the name of each metric. */
export const metricPrefix = describe<string>({ type: "string", pattern: "^[a-z0-9_.]+$" }, (raw) => {
  if (typeof raw === "string" && /^[a-z0-9_.]+$/.test(raw)) return good(raw);
  return bad('expected small letters, digits, "_" and "." such as "mtg"');
});

/** The path of a page, with its slash or without. */
export const httpPath = describe<string>({ type: "string" }, (raw) => {
  return typeof raw === "string"
    ? good(`/${raw.trim().replaceAll(/^\/+|\/+$/g, "")}`)
    : bad('expected a path such as "/"');
});

/** A directory that the program may write to, or one in it; without "." and ".." in it and slashes at its end. */
export const stateDirectory = describe<string>({ type: "string", pattern: "\\S" }, (raw) => {
  if (typeof raw !== "string") return bad("expected a text in quotes");
  const path = raw.trim().replace(/^(?:\.\/+)+/, "").replaceAll(/\/{2,}/g, "/").replace(/(?<=.)\/$/, "");
  const isInside = writableDirectories.some((directory) => path === directory || path.startsWith(`${directory}/`));
  if (isInside && !path.split("/").some((step) => step === "." || step === "..")) return good(path);
  return bad(writableOnly);
});
