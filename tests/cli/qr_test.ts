import { assertEquals, assertMatch } from "@std/assert";
import qrcode from "qrcode";
import { qrDataLink, qrPng, qrSvg, qrText } from "../../lib/cli/qr.ts";

const link = "tg://proxy?server=127.0.0.1&port=3128&secret=7gARIjNEVWZ3iJmqu8zd7v9leGFtcGxlLmNvbQ";

const blackOnWhite = "\x1b[30;47;107m";
const plain = "\x1b[0m";

/** Which modules are dark, row by row, taken out of the drawing; `ink` says whether a drawn half is a dark one. */
function modulesOf(text: string, ink: boolean): string[] {
  const halves: Record<string, readonly [boolean, boolean]> = {
    "█": [true, true],
    "▀": [true, false],
    "▄": [false, true],
    " ": [false, false],
  };
  return text.split("\n").flatMap((line) =>
    [0, 1].map((half) => [...line].map((char) => halves[char]?.[half as 0 | 1] === ink ? "#" : ".").join(""))
  );
}

function expectedModules(): string[] {
  const { modules } = qrcode.create(link, { errorCorrectionLevel: "L" });
  const size: number = modules.size;
  const side = Array.from({ length: size + 8 }, (_, index) => index - 4);
  const dark = (row: number, column: number) =>
    row >= 0 && row < size && column >= 0 && column < size && modules.data[row * size + column] === 1;
  return side.map((row) => side.map((column) => dark(row, column) ? "#" : ".").join(""));
}

Deno.test("qrText() does draw the code with its border, in black on white", async () => {
  const bare = (await qrText(link, { colours: true })).split("\n").map((line) => {
    assertEquals([line.startsWith(blackOnWhite), line.endsWith(plain)], [true, true]);
    return line.slice(blackOnWhite.length, -plain.length);
  });
  const expected = expectedModules();
  assertEquals(modulesOf(bare.join("\n"), true).slice(0, expected.length), expected);
});

Deno.test("qrText() does draw the light modules where there are no colours", async () => {
  const text = await qrText(link, { colours: false });
  assertEquals(text.includes("\x1b"), false);
  const expected = expectedModules();
  assertEquals(modulesOf(text, false).slice(0, expected.length), expected);
});

Deno.test("qrSvg(), qrPng() and qrDataLink() do make pictures of the same size", async () => {
  const side = expectedModules().length;
  assertMatch(await qrSvg(link), new RegExp(`^<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${side} ${side}"`));
  const png = await qrPng(link);
  assertEquals([...png.subarray(1, 4)], [..."PNG"].map((char) => char.charCodeAt(0)));
  assertEquals(new DataView(png.buffer, png.byteOffset).getUint32(16), side * 8);
  const [head, data] = (await qrDataLink(link)).split(",");
  assertEquals(head, "data:image/svg+xml;base64");
  assertEquals(atob(data ?? ""), await qrSvg(link));
});
