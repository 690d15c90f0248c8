import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { readResPq } from "../../lib/telegram/res_pq.ts";
import { concat } from "../support/byte_reader.ts";
import { bytes, runs } from "./arbitraries.ts";

function lengthOf(packet: Uint8Array): Uint8Array {
  const length = new Uint8Array(4);
  new DataView(length.buffer).setUint32(0, packet.length, true);
  return length;
}

Deno.test("readResPq() makes something of any bytes, at any offset of their memory", () => {
  const packets = fc.oneof(
    bytes(0, 200),
    bytes(0, 200).map((packet) => concat(lengthOf(packet), packet)),
    bytes(0, 200).map((packet) => {
      const message = concat(new Uint8Array(8), packet);
      return concat(lengthOf(message), message);
    }),
  );
  fc.assert(
    fc.property(packets, bytes(16, 16), fc.nat(9), (packet, nonce, offset) => {
      const memory = concat(new Uint8Array(offset), packet);
      const { kind } = readResPq(memory.subarray(offset), nonce);
      assert(["incomplete", "error", "garbage"].includes(kind), kind);
    }),
    { numRuns: 10 * runs },
  );
});

Deno.test("readResPq() says the same of an answer however much follows, and waits for all of it", () => {
  const property = fc.record({ nonce: bytes(16, 16), id: bytes(8, 8), rest: bytes(16, 500), more: bytes(0, 20) });
  fc.assert(
    fc.property(property, ({ nonce, id, rest, more }) => {
      const message = concat(new Uint8Array(8), id, new Uint8Array(4), Uint8Array.of(0x63, 0x24, 0x16, 5), nonce, rest);
      const packet = concat(lengthOf(message), message);
      const seconds = new DataView(id.buffer).getUint32(4, true);
      const answer = readResPq(packet, nonce);
      assert(answer.kind === "answer" && Math.floor(answer.timeMs / 1_000) === seconds);
      assertEquals(readResPq(concat(packet, more), nonce), answer);
      for (let end = 0; end < packet.length; end += 7) {
        assertEquals(readResPq(packet.subarray(0, end), nonce).kind, "incomplete");
      }
    }),
    { numRuns: runs },
  );
});
