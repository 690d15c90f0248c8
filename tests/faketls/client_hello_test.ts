import { assert, assertEquals, assertThrows } from "@std/assert";
import { ProtocolError } from "../../lib/errors.ts";
import { clientHelloAtMost, decodeClientHello } from "../../lib/faketls/client_hello.ts";
import { verifyDigest } from "../../lib/faketls/digest.ts";
import { patterned } from "../crypto/oracle.ts";
import { concat } from "../support/byte_reader.ts";
import { helloShapes, splitHello } from "../support/client_hello.ts";
import { decodeDone, decodeWhole, helloAround, host, key, makeHello, recorded, sign, timeSeconds } from "./hellos.ts";
import { record } from "./records.ts";

for (const { name, bytes, ...expected } of recorded) {
  Deno.test(`decodeClientHello() reads the hello of ${name}, and no byte behind it`, () => {
    const { value, consumed } = decodeDone(concat(bytes, Uint8Array.of(0x16, 3, 1)));
    assertEquals(consumed, bytes.length);
    assertEquals(value.record, bytes);
    assertEquals(value.random.toHex(), expected.random);
    assertEquals(value.sessionId.toHex(), expected.sessionId);
    assertEquals(value.cipherSuites.toHex(), expected.cipherSuites);
    assertEquals(value.serverName ?? null, expected.serverName);
  });
}

for (const shape of helloShapes) {
  Deno.test(`decodeClientHello() reads a hello of shape ${shape} with each record version`, () => {
    for (const recordVersion of [0x0301, 0x0303] as const) {
      const hello = decodeWhole(makeHello({ shape, recordVersion }));
      assertEquals(hello.serverName, shape === "no-sni" ? undefined : host);
      assertEquals([hello.sessionId.length, hello.random.length], [32, 32]);
      assertEquals(verifyDigest(hello, key), timeSeconds);
    }
  });

  Deno.test(`decodeClientHello() asks for more at every cut of a hello of shape ${shape}`, () => {
    const hello = makeHello({ shape });
    for (let size = 0; size < hello.length; size++) {
      const decoded = decodeClientHello(hello.subarray(0, size));
      const needed = size < 5 ? 5 : hello.length;
      assertEquals(decoded, { kind: "incomplete", needed }, `${size} bytes`);
    }
  });

  Deno.test(`decodeClientHello() reads a hello of shape ${shape} in two records, wherever it is cut`, () => {
    const hello = makeHello({ shape });
    for (let cut = 0; cut < hello.length - 5; cut += shape === "old" || cut < 60 ? 1 : 7) {
      const { value, consumed } = decodeDone(splitHello(hello, [cut]));
      assertEquals(consumed, hello.length + 5);
      assertEquals(value.record, hello, `cut at ${cut}`);
    }
  });
}

Deno.test("decodeClientHello() never asks for less than the client has sent, nor for more than the hello", () => {
  const split = splitHello(makeHello(), 5);
  for (let size = 0; size < split.length; size++) {
    const decoded = decodeClientHello(split.subarray(0, size));
    assert(decoded.kind === "incomplete" && decoded.needed > size && decoded.needed <= split.length, `${size} bytes`);
  }
});

for (let records = 1; records <= 16; records++) {
  Deno.test(`decodeClientHello() reads a hello in ${records} records as the one that was signed`, () => {
    for (const recordVersion of [0x0301, 0x0303] as const) {
      const hello = makeHello({ recordVersion });
      const decoded = decodeWhole(splitHello(hello, records));
      assertEquals(decoded.record, hello);
      assertEquals(verifyDigest(decoded, key), timeSeconds);
    }
  });
}

Deno.test("decodeClientHello() refuses a seventeenth record, empty ones counted", () => {
  const hello = makeHello();
  const empty = concat(...new Array(16).fill(record(0x16, new Uint8Array(0), 0x0301)));
  for (const bytes of [splitHello(hello, 17), concat(empty, hello)]) refuses(bytes, "more than 16 records");
  assertEquals(decodeWhole(concat(empty.subarray(5), hello)).record, hello);
});

Deno.test("decodeClientHello() takes 16 KiB of records and no byte more", () => {
  const message = (size: number) => {
    const hello = helloAround(patterned(size - 43, 7));
    hello[43] = 0;
    return hello;
  };
  const largest = message(clientHelloAtMost);
  assertEquals(clientHelloAtMost, 16_384);
  assertEquals(decodeWhole(sign(largest)).record.length, 16_384);
  refuses(message(clientHelloAtMost + 1), "16385 bytes, at most 16384");
  refuses(message(clientHelloAtMost + 1).subarray(0, 5), "at most 16384");
  refuses(splitHello(largest, 2), "at most 16384");
  assertEquals(decodeWhole(splitHello(message(clientHelloAtMost - 5), 2)).record.length, 16_379);
});

Deno.test("decodeClientHello() refuses a body above 16 KiB as soon as its length has come", () => {
  refuses(Uint8Array.of(0x16, 3, 1, 0x02, 0, 1, 0, 0x40, 0x01), "body has 16385 bytes");
  refuses(Uint8Array.of(0x16, 3, 1, 0x02, 0, 1, 0xff, 0xff, 0xff), "body has 16777215 bytes");
});

const garbage: readonly [string, string, string][] = [
  ["plain HTTP", "47", "type 71"],
  ["application data", "17", "type 23"],
  ["an alert", "15", "type 21"],
  ["SSL 2", "80", "type 128"],
  ["SSL 3", "160300", "version 3.0"],
  ["TLS 1.1 in the record", "160302", "version 3.2"],
  ["TLS 1.3 in the record", "160304", "version 3.4"],
  ["version 2.1", "1602", "no version of TLS"],
  ["a ServerHello", "160301020002", "type 2"],
  ["a ServerHello behind an empty record", "1603010000160301020002", "type 2"],
  ["a body without room for a random", "160301020001000022", "at least 35"],
  ["a second record that is none", "16030100010117", "type 23"],
];

for (const [name, hex, message] of garbage) {
  Deno.test(`decodeClientHello() refuses ${name} with its last byte, not before`, () => {
    const bytes = Uint8Array.fromHex(hex);
    refuses(bytes, message);
    refuses(concat(bytes, patterned(100, 1)), message);
    assertEquals(decodeClientHello(bytes.subarray(0, -1)).kind, "incomplete");
  });
}

Deno.test("decodeClientHello() refuses bytes behind the hello in its record", () => {
  const hello = makeHello();
  const longer = concat(hello, Uint8Array.of(0));
  new DataView(longer.buffer).setUint16(3, longer.length - 5);
  refuses(longer, "1 bytes follow it");
  const split = splitHello(hello, [100]);
  const last = concat(split, Uint8Array.of(1, 2, 3));
  new DataView(last.buffer).setUint16(105 + 3, hello.length - 5 - 100 + 3);
  refuses(last, "3 bytes follow it");
});

/** All that may stand behind the random, by what is odd about it; signed, so that it must be answered. */
const odd: readonly [string, string, { session?: number; suites?: string; name?: string }][] = [
  ["nothing but an empty session id", "00", {}],
  ["a session id that goes beyond the end", "20ffff", {}],
  ["an odd list of suites", "000003130113", { suites: "130113" }],
  ["suites that go beyond the end", "00ffff1301", {}],
  ["no compression", "0000021301", { suites: "1301" }],
  ["no extensions", "00000213010100", { suites: "1301" }],
  ["extensions that go beyond the end", "00000213010100ffff", { suites: "1301" }],
  ["an extension that goes beyond the end", "0000021301010000040000ffff", { suites: "1301" }],
  ["half an extension header", "00000213010100000200", { suites: "1301" }],
  ["bytes behind the extensions", "000002130101000000abcdef", { suites: "1301" }],
  ["an empty server_name", "000002130101000004" + "00000000", { suites: "1301" }],
  ["an empty list of names", "000002130101000006" + "000000020000", { suites: "1301" }],
  ["an empty name", "000002130101000009" + "0000000500030" + "00000", { suites: "1301", name: "" }],
  ["a name that goes beyond the end", "000002130101000009" + "000000050003" + "000009", { suites: "1301" }],
  ["a name of another type", "00000213010100000a" + "000000060004" + "01000161", { suites: "1301" }],
  ["a name behind one of another type", "00000213010100000e" + "0000000a0008" + "01000161" + "00000162", {
    suites: "1301",
    name: "b",
  }],
  ["two server_names", "000002130101000014" + "000000060004" + "00000161" + "000000060004" + "00000162", {
    suites: "1301",
    name: "a",
  }],
];

for (const [name, rest, expected] of odd) {
  Deno.test(`decodeClientHello() reads a signed hello with ${name} as far as it goes`, () => {
    const hello = decodeWhole(sign(helloAround(Uint8Array.fromHex(rest))));
    assertEquals(verifyDigest(hello, key), timeSeconds);
    assertEquals(hello.sessionId.length, expected.session ?? 0);
    if (expected.suites !== undefined) assertEquals(hello.cipherSuites.toHex(), expected.suites);
    assertEquals(hello.serverName, expected.name);
  });
}

for (const size of [0, 1, 31, 32, 33, 254, 255]) {
  Deno.test(`decodeClientHello() reads a session id of ${size} bytes`, () => {
    const sessionId = patterned(size, size);
    const hello = decodeWhole(makeHello({ sessionId }));
    assertEquals(hello.sessionId, sessionId);
    assertEquals(verifyDigest(hello, key), timeSeconds);
    assertEquals(hello.serverName, host);
  });
}

Deno.test("decodeClientHello() gives a name as it stands there, bytes outside ASCII as no letters", () => {
  assertEquals(decodeWhole(makeHello({ host: "FRONT.Test" })).serverName, "FRONT.Test");
  assertEquals(decodeWhole(makeHello({ host: "fröñt.test" })).serverName, "fr\u00c3\u00b6\u00c3\u00b1t.test");
  const long = `${"a".repeat(300)}.test`;
  assertEquals(decodeWhole(makeHello({ host: long })).serverName, long);
});

Deno.test("decodeClientHello() leaves the bytes as they are, so that they can be passed on", () => {
  for (const bytes of [makeHello(), splitHello(makeHello(), 7)]) {
    const kept = bytes.slice();
    verifyDigest(decodeWhole(bytes), key);
    assertEquals(bytes, kept);
  }
});

function refuses(bytes: Uint8Array, message: string): void {
  const error = assertThrows(() => decodeClientHello(bytes), ProtocolError, message);
  assertEquals(error.code, "bad-client-hello");
}
