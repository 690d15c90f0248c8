/** Records off and on, for 128 KiB of payload: `deno task bench:micro`. */
import { frameInPlace, recordHeaderSize, RecordReader, writeRecordHeader } from "../../lib/faketls/record.ts";

const payload = 131_072;
const bytes = new Uint8Array(payload * 2);

Deno.bench("records put around 128 KiB on the way to a client", () => {
  frameInPlace(bytes, 0, payload);
});

/** Telegram's clients send records of at most 2,878 bytes, iOS of up to 16,408. */
for (const recordSize of [2_878, 16_408]) {
  const stream = new Uint8Array(payload * 2);
  let end = 0;
  for (let left = payload; left > 0; left -= Math.min(left, recordSize)) {
    writeRecordHeader(stream, end, Math.min(left, recordSize));
    end += recordHeaderSize + Math.min(left, recordSize);
  }
  Deno.bench(`payload of 128 KiB taken out of records of ${recordSize} bytes`, (context) => {
    bytes.set(stream.subarray(0, end), 8);
    const reader = new RecordReader();
    context.start();
    reader.strip(bytes, 8, 8 + end, 0);
    context.end();
  });
}
