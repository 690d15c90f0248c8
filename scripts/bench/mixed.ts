/** Transfers of all sizes in both directions, the same for every subject. */

const least = 100_000;
const most = 8_000_000;

/** The transfer of this number: up every other time, of 0.1 to 8 MB, as many of each magnitude. */
export function mixedTransfer(index: number): { direction: "down" | "up"; bytes: number } {
  // The golden ratio spreads its multiples evenly over 0 to 1; in pairs, so that both directions get the same sizes.
  const share = (Math.floor(index / 2) * 0.618_033_988_749_895) % 1;
  return { direction: index % 2 === 0 ? "down" : "up", bytes: Math.round(least * (most / least) ** share) };
}
