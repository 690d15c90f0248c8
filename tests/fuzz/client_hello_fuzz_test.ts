import { assert, assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { systemRandom } from "../../lib/crypto/random.ts";
import { ProtocolError } from "../../lib/errors.ts";
import { type ClientHello, decodeClientHello } from "../../lib/faketls/client_hello.ts";
import { verifyDigest } from "../../lib/faketls/digest.ts";
import { writeServerFlight } from "../../lib/faketls/server_hello.ts";
import { decodeWhole, helloAround, host, key, makeHello, recorded, sign, timeSeconds } from "../faketls/hellos.ts";
import { concat } from "../support/byte_reader.ts";
import { clientRandom, helloShapes, splitHello } from "../support/client_hello.ts";
import { verifyServerFlight } from "../support/server_flight.ts";
import { bytes, cuts, fewRuns, runs } from "./arbitraries.ts";

/** All that comes of a decode: a hello, a wish for more, or a refusal. Anything else throws. */
function tryDecode(input: Uint8Array): ClientHello | undefined {
  try {
    const decoded = decodeClientHello(input);
    if (decoded.kind === "incomplete") {
      assert(decoded.needed > input.length && decoded.needed <= 16_384 + 5, `needs ${decoded.needed}`);
      return undefined;
    }
    assert(decoded.consumed <= input.length && decoded.value.record.length <= decoded.consumed);
    assertEquals(decoded.value.random.length, 32);
    return decoded.value;
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error;
    assertEquals(error.code, "bad-client-hello");
    return undefined;
  }
}

Deno.test("decodeClientHello() takes garbage for a hello, a beginning or a ProtocolError, never for anything else", () => {
  const likeRecords = fc.tuple(
    fc.constantFrom("160301", "160303", "160302", "170303"),
    fc.nat(0x4100),
    fc.constantFrom("01", "02", ""),
    bytes(0, 400),
  ).map(([start, length, type, rest]) =>
    concat(Uint8Array.fromHex(start), Uint8Array.of(length >> 8, length & 0xff), Uint8Array.fromHex(type), rest)
  );
  fc.assert(fc.property(fc.oneof(bytes(0, 600), likeRecords), (input) => void tryDecode(input)), {
    numRuns: 10 * runs,
  });
});

const wellKnown = [...recorded.map(({ bytes }) => bytes), ...helloShapes.map((shape) => makeHello({ shape }))];
const known = fc.constantFrom(...wellKnown);

Deno.test("decodeClientHello() survives real hellos with bytes changed, cut off, put in or left out", () => {
  const damage = fc.array(
    fc.record({ kind: fc.constantFrom("change", "insert", "remove", "cut"), at: fc.nat(1_900), byte: fc.nat(255) }),
    { minLength: 1, maxLength: 6 },
  );
  fc.assert(
    fc.property(known, damage, (hello, steps) => {
      let bytes = [...hello];
      for (const { kind, at, byte } of steps) {
        if (kind === "cut") bytes = bytes.slice(0, at);
        else if (kind === "change" && at < bytes.length) bytes[at] = byte;
        else if (kind === "insert") bytes.splice(at, 0, byte);
        else if (kind === "remove") bytes.splice(at, 1);
      }
      const decoded = tryDecode(Uint8Array.from(bytes));
      // Nobody gets in by luck: only a hello that is the signed one again, or one whose time was moved.
      if (decoded === undefined) return;
      try {
        verifyDigest(decoded, key);
      } catch (error) {
        assert(error instanceof ProtocolError && error.code === "bad-digest", String(error));
        return;
      }
      const same = [...decoded.record.keys()].every((at) => at >= 39 && at < 43 || decoded.record[at] === hello[at]);
      assert(same && decoded.record.length === hello.length, "a damaged hello was taken for signed");
    }),
    { numRuns: 5 * runs },
  );
});

Deno.test("decodeClientHello() finds the signed record in any fragmentation over 1 to 16 records", () => {
  fc.assert(
    fc.property(known, cuts(517, 15), (hello, offsets) => {
      // No empty record at the end: that would come behind the hello.
      const inside = offsets.filter((offset) => offset < hello.length - 5);
      const split = splitHello(hello, inside);
      assertEquals(decodeWhole(split).record, hello);
      for (const size of [0, 1, 3, 5, 6, 9, 60, split.length - 1]) {
        const decoded = decodeClientHello(split.subarray(0, size));
        assert(decoded.kind === "incomplete" && decoded.needed > size && decoded.needed <= split.length);
      }
    }),
    { numRuns: fewRuns },
  );
});

Deno.test("a hello that is signed with the secret is answered, whatever stands behind its random", () => {
  const version = fc.constantFrom(0x0301, 0x0303);
  fc.assert(
    fc.property(bytes(1, 700), version, fc.nat(0xffff_ffff), (rest, version, seconds) => {
      const hello = sign(helloAround(rest, version), seconds);
      const decoded = decodeWhole(hello);
      assertEquals(verifyDigest(decoded, key), seconds);
      const parts = { key, hello: decoded, random: systemRandom, certificateSize: 2_500 };
      const flight = writeServerFlight(new Uint8Array(11_000), parts);
      const { suite, sessionId } = verifyServerFlight(flight, key, clientRandom(hello));
      assert([0x1301, 0x1302, 0x1303].includes(suite));
      assertEquals(sessionId, decoded.sessionId.slice());
    }),
    { numRuns: runs },
  );
});

Deno.test("a real hello that was mangled behind its random and signed anew is answered", () => {
  const mangled = fc.record({ hello: known, at: fc.integer({ min: 43, max: 1_500 }), noise: bytes(1, 60) });
  fc.assert(
    fc.property(mangled, ({ hello, at, noise }) => {
      const changed = hello.slice();
      const place = 43 + (at - 43) % (hello.length - 43);
      changed.set(noise.subarray(0, hello.length - place), place);
      assertEquals(verifyDigest(decodeWhole(sign(changed)), key), timeSeconds);
    }),
    { numRuns: runs },
  );
});

Deno.test("no hello is taken for signed with another secret", () => {
  fc.assert(
    fc.property(bytes(16, 16), (other) => {
      if (other.toHex() === key.toHex()) return;
      const hello = decodeWhole(makeHello({ shape: "old", host }));
      assertThrows(() => verifyDigest(hello, other), ProtocolError);
    }),
    { numRuns: runs },
  );
});
