import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import {
  decodeConnectReply,
  type Decoded,
  decodeLoginReply,
  decodeMethod,
  encodeConnect,
} from "../../lib/wire/socks5.ts";
import { concat } from "../support/byte_reader.ts";
import { bytes, runs } from "./arbitraries.ts";

const host = fc.oneof(fc.ipV4(), fc.ipV6(), fc.domain());

/** A reply differs from a request in its second byte alone. */
const reply = fc.tuple(host, fc.integer({ min: 0, max: 65_535 })).map(([host, port]) => {
  const bytes = encodeConnect({ kind: "tcp", host, port });
  bytes[1] = 0;
  return { bytes, host, port };
});

/** Reads from `stream` only what `decode` asks for, at most `most` bytes at a time; gives the outcome and the bytes left. */
function feed<T>(decode: (bytes: Uint8Array) => Decoded<T>, stream: Uint8Array, most: number) {
  let at = 0;
  for (;;) {
    const decoded = decode(stream.subarray(0, at));
    if (decoded.kind !== "incomplete") return { decoded, left: stream.subarray(at) };
    assert(decoded.needs >= 1);
    if (at === stream.length) return { decoded, left: stream.subarray(at) };
    at = Math.min(stream.length, at + Math.min(decoded.needs, most));
  }
}

Deno.test("decodeConnectReply() finds any bound address, however the reply is cut, and leaves the target's bytes alone", () => {
  fc.assert(
    fc.property(reply, bytes(0, 40), fc.integer({ min: 1, max: 300 }), ({ bytes, host, port }, payload, most) => {
      const { decoded, left } = feed(decodeConnectReply, concat(bytes, payload), most);
      const bound = decoded.kind === "done" ? decoded.value.bound : undefined;
      assertEquals(bound && encodeConnect(bound), encodeConnect({ kind: "tcp", host, port }));
      assertEquals(left, payload);
    }),
    { numRuns: runs },
  );
});

Deno.test("decodeConnectReply() is incomplete for every beginning of a reply, and asks for no more than the rest", () => {
  fc.assert(
    fc.property(reply, ({ bytes }) => {
      for (let length = 0; length < bytes.length; length++) {
        const decoded = decodeConnectReply(bytes.subarray(0, length));
        assert((decoded.kind === "incomplete" ? decoded.needs : Infinity) <= bytes.length - length);
      }
    }),
    { numRuns: runs },
  );
});

Deno.test("the decoders of SOCKS5 throw for no bytes, and come to an end", () => {
  const nearly = fc.tuple(bytes(0, 300), fc.constantFrom([], [5], [5, 0, 0], [5, 0, 0, 1], [5, 0, 0, 3], [5, 0, 0, 4]))
    .map(([rest, start]) => concat(Uint8Array.from(start), rest));
  fc.assert(
    fc.property(nearly, fc.integer({ min: 1, max: 300 }), (stream, most) => {
      for (const decode of [decodeMethod, decodeLoginReply, decodeConnectReply]) {
        const { decoded, left } = feed<unknown>(decode, stream, most);
        if (decoded.kind === "incomplete") assertEquals(left.length, 0);
      }
    }),
    { numRuns: runs },
  );
});
