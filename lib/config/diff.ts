/** What a new configuration changes for a proxy that runs with an old one. */
import { equal } from "@std/assert/equal";
import type { Config } from "./config.ts";
import { fieldsByPlace } from "./fields.ts";

export interface ConfigDiff {
  /** The new one, but for keys that only a restart can change: those are as in the old one. */
  readonly config: Config;
  /** Dotted keys that changed and are taken over, in the order of the field table. */
  readonly changed: readonly string[];
  /** Dotted keys that differ and are not taken over before a restart. */
  readonly needRestart: readonly string[];
}

type Tree = Readonly<Record<string, unknown>>;

/** Further places in a `Config` of a key that has several. */
const morePlaces: Readonly<Record<string, readonly string[]>> = { "domainFronting.host": ["domainFronting.unixPath"] };

/** The places in a `Config` of the key that goes by `place` in the field table. */
export function placesOf(place: string): readonly string[] {
  return [place, ...morePlaces[place] ?? []];
}

export function diffConfigs(old: Config, next: Config): ConfigDiff {
  const changed: string[] = [];
  const needRestart: string[] = [];
  let config: unknown = next;
  for (const [place, { key, hot }] of fieldsByPlace) {
    const differing = placesOf(place).filter((one) => !equal(valueAt(old, one), valueAt(next, one)));
    if (differing.length === 0) continue;
    (hot ? changed : needRestart).push(key);
    if (!hot) config = differing.reduce((tree, one) => withValue(tree, one.split("."), valueAt(old, one)), config);
  }
  return { config: config as Config, changed, needRestart };
}

function valueAt(config: Config, place: string): unknown {
  return place.split(".").reduce<unknown>((tree, step) => (tree as Tree)[step], config);
}

function withValue(tree: unknown, [step, ...rest]: readonly string[], value: unknown): unknown {
  return step === undefined ? value : { ...tree as Tree, [step]: withValue((tree as Tree)[step], rest, value) };
}
