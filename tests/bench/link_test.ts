import { assert, assertEquals } from "@std/assert";
import { KeyStream } from "../../scripts/bench/keystream.ts";
import { Link } from "../../scripts/bench/link.ts";

async function linkPair(recordBytes: number): Promise<[Link, Link]> {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const accepting = listener.accept();
  const near = await Deno.connect({ hostname: "127.0.0.1", port: listener.addr.port });
  const stream = (fill: number) => new KeyStream(new Uint8Array(32).fill(fill), new Uint8Array(16));
  const common = { recordBytes, bufferBytes: 4096, sentBytes: 64, receivedBytes: 64 };
  return [
    new Link(near, { ...common, sending: stream(1), receiving: stream(2) }),
    new Link(await accepting, { ...common, sending: stream(2), receiving: stream(1) }),
  ];
}

for (const recordBytes of [0, 2878]) {
  Deno.test(`Link.sendTransfer() and receiveTransfer() agree between messages, records of ${recordBytes}`, async () => {
    const [near, far] = await linkPair(recordBytes);
    using _near = near;
    using _far = far;
    for (const total of [200_003, 70_001, 1]) {
      let bytes = 0;
      const [intact] = await Promise.all([
        far.receiveTransfer(total, (count) => void (bytes += count)),
        near.sendTransfer(total),
      ]);
      assert(intact);
      assertEquals(bytes, total);
      await near.send(new Uint8Array(5000).fill(total));
      assertEquals(await far.receive(5000), new Uint8Array(5000).fill(total));
    }
  });
}

Deno.test("Link.receiveTransfer() tells bytes that are not the sender's", async () => {
  const [near, far] = await linkPair(0);
  using _near = near;
  using _far = far;
  const [intact] = await Promise.all([far.receiveTransfer(100_000), near.send(new Uint8Array(100_000))]);
  assert(!intact);
});
