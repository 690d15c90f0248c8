/** What properties are tried with. */
import fc from "fast-check";

/** Most of these runs take a millisecond: the whole directory is done in some seconds on a slow machine. */
export const runs = 200;
export const fewRuns = 40;

export function bytes(least: number, most: number): fc.Arbitrary<Uint8Array<ArrayBuffer>> {
  return fc.uint8Array({ minLength: least, maxLength: most }).map((array) => array.slice());
}

/** Offsets that cut `length` bytes into pieces, some of them empty. */
export function cuts(length: number, most = 12): fc.Arbitrary<number[]> {
  return fc.array(fc.nat(length), { maxLength: most }).map((offsets) => offsets.sort((a, b) => a - b));
}

/** Sizes that are mostly small, and now and then as large as `most` or next to one of `edges`. */
export function sizes(most: number, edges: readonly number[] = []): fc.Arbitrary<number> {
  const near = edges.flatMap((edge) => [edge - 1, edge, edge + 1]).filter((size) => size >= 0 && size <= most);
  return fc.oneof(
    { weight: 4, arbitrary: fc.nat(Math.min(100, most)) },
    { weight: 2, arbitrary: fc.nat(most) },
    ...(near.length > 0 ? [{ weight: 2, arbitrary: fc.constantFrom(...near) }] : []),
  );
}
