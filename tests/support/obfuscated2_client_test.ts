import { assertEquals, assertThrows } from "@std/assert";
import { concat } from "./byte_reader.ts";
import { acceptFrame, clientFrame, frameFault, frameNoise } from "./obfuscated2_client.ts";

const key = Uint8Array.fromHex("00112233445566778899aabbccddeeff");
const header =
  "030a11181f262d343b424950575e656c737a81888f969da4abb2b9c0c7ced5dce3eaf1f8ff060d141b222930373e454c535a61686f767d84";
const clientToProxy = "636c69656e742d746f2d70726f787921";
const proxyToClient = "70726f78792d746f2d636c69656e7421";

const cases = [
  [
    "simple, abridged",
    key,
    0xef,
    2,
    "b07489cab3fc398f",
    "7d3d20835f7161b535fad5c2b84bbcfa",
    "99550094c299528f49a3ca9dcb3d71aa",
  ],
  [
    "simple, intermediate",
    key,
    0xee,
    -4,
    "b17588cb4d03398f",
    "7d3d20835f7161b535fad5c2b84bbcfa",
    "99550094c299528f49a3ca9dcb3d71aa",
  ],
  ["secured", key, 0xdd, 3, "8246bbf8b2fc398f", "7d3d20835f7161b535fad5c2b84bbcfa", "99550094c299528f49a3ca9dcb3d71aa"],
  [
    "towards Telegram",
    undefined,
    0xee,
    0,
    "27a3e26ac9db9f1d",
    "f3c913d1b3eab80906c6ab6168ac9d08",
    "5016c58e22ed63c52dff429d03fa361d",
  ],
] as const;

for (const [name, secret, tag, dc, tail, up, down] of cases) {
  Deno.test(`clientFrame() and acceptFrame() agree with the published vector: ${name}`, () => {
    const random = Uint8Array.fromHex(header + "00000000" + "0000" + "b5bc");
    const client = clientFrame({ key: secret, tag, dc, random });
    using clientCiphers = client.ciphers;
    assertEquals(client.frame.toHex(), header + tail);
    const accepted = acceptFrame(client.frame, secret);
    using proxyCiphers = accepted.ciphers;
    assertEquals([accepted.tag, accepted.dc], [tag, dc]);
    const sent = clientCiphers.encrypt.update(Uint8Array.fromHex(clientToProxy));
    assertEquals(sent.toHex(), up);
    assertEquals(new Uint8Array(proxyCiphers.decrypt.update(sent)).toHex(), clientToProxy);
    const answered = proxyCiphers.encrypt.update(Uint8Array.fromHex(proxyToClient));
    assertEquals(answered.toHex(), down);
    assertEquals(new Uint8Array(clientCiphers.decrypt.update(answered)).toHex(), proxyToClient);
  });
}

Deno.test("acceptFrame() refuses a frame of another secret", () => {
  const random = Uint8Array.from({ length: 64 }, (_, index) => index + 1);
  const { frame, ciphers } = clientFrame({ key, tag: 0xdd, dc: 2, random });
  ciphers[Symbol.dispose]();
  assertThrows(() => acceptFrame(frame, key.toReversed()), Error, "no known tag");
});

const forbidden = [
  ["ef000000", "00000001", "the first byte is ef, as of an abridged connection"],
  ["48454144", "00000001", "the first word is HEAD"],
  ["504f5354", "00000001", "the first word is POST"],
  ["47455420", "00000001", "the first word is GET "],
  ["4f505449", "00000001", "the first word is OPTI"],
  ["16030102", "00000001", "the first word is the start of a TLS record"],
  ["dddddddd", "00000001", "the first word is the tag of padded intermediate"],
  ["eeeeeeee", "00000001", "the first word is the tag of intermediate"],
  ["01020304", "00000000", "the second word is zero"],
  ["01020304", "00000001", undefined],
  ["16030302", "01000000", undefined],
] as const;

for (const [first, second, fault] of forbidden) {
  Deno.test(`frameFault() judges ${first} ${second}`, () => {
    assertEquals(frameFault(concat(Uint8Array.fromHex(first + second), new Uint8Array(56))), fault);
  });
}

Deno.test("frameNoise() gives heads that Telegram takes", () => {
  for (let round = 0; round < 2_000; round++) assertEquals(frameFault(frameNoise()), undefined);
});
