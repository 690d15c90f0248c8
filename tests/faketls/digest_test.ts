import { assertEquals, assertThrows } from "@std/assert";
import { ProtocolError } from "../../lib/errors.ts";
import { checkServerName, checkTimestamp, verifyDigest } from "../../lib/faketls/digest.ts";
import { patterned } from "../crypto/oracle.ts";
import { helloShapes, splitHello } from "../support/client_hello.ts";
import { decodeWhole, helloAround, host, key, makeHello, recorded, sign, timeSeconds } from "./hellos.ts";

for (const { name, bytes, key: signedWith, seconds } of recorded) {
  Deno.test(`verifyDigest() judges the hello of ${name}`, () => {
    const hello = decodeWhole(bytes);
    if (signedWith === undefined) refuses(() => verifyDigest(hello, key), "bad-digest");
    else {
      assertEquals(verifyDigest(hello, signedWith), seconds);
      refuses(() => verifyDigest(hello, signedWith.with(15, signedWith[15]! ^ 1)), "bad-digest");
    }
    assertEquals(verifyDigest(decodeWhole(sign(bytes, 77)), key), 77, "signed by somebody who holds the secret");
  });
}

for (const shape of helloShapes) {
  Deno.test(`verifyDigest() finds a change of any byte of a hello of shape ${shape}`, () => {
    const bytes = makeHello({ shape });
    // The record's type and lengths are what makes it a hello at all; the random's last four bytes are the time.
    for (let at = 9; at < bytes.length; at += at < 600 ? 1 : 11) {
      if (at >= 39 && at < 43) continue;
      const hello = decodeWhole(bytes.with(at, bytes[at]! ^ 0x10) as Uint8Array<ArrayBuffer>);
      refuses(() => verifyDigest(hello, key), "bad-digest", `byte ${at}`);
    }
  });
}

Deno.test("verifyDigest() finds a change of each bit of the digest", () => {
  const bytes = makeHello();
  for (let bit = 11 * 8; bit < 39 * 8; bit++) {
    const at = Math.floor(bit / 8);
    const hello = decodeWhole(bytes.with(at, bytes[at]! ^ 1 << bit % 8) as Uint8Array<ArrayBuffer>);
    refuses(() => verifyDigest(hello, key), "bad-digest", `bit ${bit}`);
  }
});

Deno.test("verifyDigest() covers the record's version", () => {
  const bytes = makeHello({ recordVersion: 0x0301 });
  refuses(() => verifyDigest(decodeWhole(bytes.with(2, 3) as Uint8Array<ArrayBuffer>), key), "bad-digest");
});

Deno.test("verifyDigest() gives times without a sign, whatever the digest's last bytes are", () => {
  for (const seconds of [0, 1, 0xff, 0x0102_0304, 0x7fff_ffff, 0x8000_0000, 0xffff_ffff]) {
    for (const shape of helloShapes) {
      assertEquals(verifyDigest(decodeWhole(sign(makeHello({ shape }), seconds)), key), seconds);
    }
  }
});

Deno.test("verifyDigest() cannot tell that somebody without the secret has moved the time of a recorded hello", () => {
  // The time is no part of what is signed. So a replay must be known by the random's first 28 bytes alone.
  const bytes = makeHello();
  const moved = bytes.slice();
  const view = new DataView(moved.buffer);
  view.setUint32(39, (view.getUint32(39, true) ^ timeSeconds ^ timeSeconds + 86_400) >>> 0, true);
  const [old, fresh] = [decodeWhole(bytes), decodeWhole(moved)];
  assertEquals([verifyDigest(old, key), verifyDigest(fresh, key)], [timeSeconds, timeSeconds + 86_400]);
  assertEquals(old.random.subarray(0, 28), fresh.random.subarray(0, 28));
});

Deno.test("verifyDigest() takes a hello signed as one record however it is cut, and not one signed in pieces", () => {
  const bytes = makeHello();
  assertEquals(verifyDigest(decodeWhole(splitHello(bytes, 16)), key), timeSeconds);
  const signedInPieces = sign(splitHello(bytes, 2));
  refuses(() => verifyDigest(decodeWhole(signedInPieces), key), "bad-digest");
});

Deno.test("verifyDigest() answers the smallest hello there is", () => {
  assertEquals(verifyDigest(decodeWhole(sign(helloAround(Uint8Array.of(0)))), key), timeSeconds);
});

Deno.test("checkTimestamp() tolerates as much as it is told, to the millisecond, either way", () => {
  const nowMs = timeSeconds * 1000;
  for (const toleranceMs of [0, 1, 1_000, 3_000, 120_000]) {
    for (const direction of [1, -1]) {
      checkTimestamp(timeSeconds, nowMs + direction * toleranceMs, toleranceMs);
      const beyondMs = nowMs + direction * (toleranceMs + 1);
      refuses(() => checkTimestamp(timeSeconds, beyondMs, toleranceMs), "bad-timestamp", `tolerance ${toleranceMs} ms`);
    }
  }
});

Deno.test("checkTimestamp() says which way the client's clock is off", () => {
  const nowMs = timeSeconds * 1000;
  assertThrows(() => checkTimestamp(timeSeconds - 300, nowMs, 120_000), ProtocolError, "300 s behind, at most 120 s");
  assertThrows(() => checkTimestamp(timeSeconds + 300, nowMs, 120_000), ProtocolError, "300 s ahead, at most 120 s");
  assertThrows(() => checkTimestamp(0, nowMs, 120_000), ProtocolError, "behind");
  assertThrows(() => checkTimestamp(0xffff_ffff, nowMs, 120_000), ProtocolError, "ahead");
});

for (const name of ["front.test", "FRONT.TEST", "Front.Test", "fRONT.tEST"]) {
  Deno.test(`checkServerName() takes ${name} for the host of any case`, () => {
    checkServerName(decodeWhole(makeHello({ host: name })), host);
    checkServerName(decodeWhole(makeHello({ host: name })), "FRoNT.TeST");
  });
}

Deno.test("checkServerName() takes a hello that names nobody", () => {
  checkServerName(decodeWhole(makeHello({ shape: "no-sni" })), host);
});

for (
  const name of [
    "front.tes",
    "front.test.",
    "a.front.test",
    "other.test",
    "front.tést",
    "front.test\0",
    "FRONT\u212aTEST",
  ]
) {
  Deno.test(`checkServerName() does not take ${JSON.stringify(name)} for another`, () => {
    refuses(() => checkServerName(decodeWhole(makeHello({ host: name })), host), "bad-sni");
  });
}

Deno.test("checkServerName() refuses an empty name", () => {
  const rest = Uint8Array.fromHex("000002130101000009" + "000000050003" + "000000");
  refuses(() => checkServerName(decodeWhole(helloAround(rest)), host), "bad-sni");
});

Deno.test("no refusal shows what the client sent, nor the secret", () => {
  const secretHost = "very-secret-host.test";
  const hello = decodeWhole(makeHello({ host: "name-of-the-client.test" }));
  const messages = [
    assertThrows(() => checkServerName(hello, secretHost), ProtocolError).message,
    assertThrows(() => verifyDigest(hello, patterned(16, 1)), ProtocolError).message,
  ].join();
  for (const word of [secretHost, "name-of-the-client", hello.random.toHex(), patterned(16, 1).toHex()]) {
    assertEquals(messages.includes(word), false);
  }
});

function refuses(action: () => void, code: string, message?: string): void {
  const error = assertThrows(action, ProtocolError, "", message);
  assertEquals(error.code, code, message);
}
