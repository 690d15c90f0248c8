/** For people who mistype: the known name that is closest to theirs. */

/**
 * The one of `names` that is nearest to `wanted`, or `undefined` if there are none.
 *
 * Names are compared without regard to case, once whole and once by their last part (`tcp` under the wrong table is
 * still nearest to `network.timeout.tcp`), which costs one edit more.
 */
export function nearest(wanted: string, names: Iterable<string>): string | undefined {
  const target = wanted.toLowerCase();
  let best: { readonly name: string; readonly distance: number } | undefined;
  for (const name of names) {
    const whole = editDistance(target, name.toLowerCase());
    const last = editDistance(lastPart(target), lastPart(name.toLowerCase())) + 1;
    const distance = Math.min(whole, last);
    if (best === undefined || distance < best.distance) best = { name, distance };
  }
  return best?.name;
}

function lastPart(name: string): string {
  return name.slice(name.lastIndexOf(".") + 1);
}

/** How many characters have to be put in, left out or replaced to make one text of the other. */
export function editDistance(from: string, to: string): number {
  let row = Array.from({ length: to.length + 1 }, (_, index) => index);
  for (let i = 1; i <= from.length; i++) {
    const next = [i];
    for (let j = 1; j <= to.length; j++) {
      const replaced = (row[j - 1] ?? 0) + (from[i - 1] === to[j - 1] ? 0 : 1);
      next.push(Math.min(replaced, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[to.length] ?? 0;
}
