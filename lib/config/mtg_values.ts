/** Parsers of values that only tables of mtg v2 have which are not in this version yet. See `values.ts` for what a parser is. */
import { bad, describe, good } from "./values.ts";

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
