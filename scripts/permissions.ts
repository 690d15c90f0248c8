/** The table of permissions (`lib/permissions.ts`) as the flags of `deno run` and `deno compile`. */
import { type Permission, permissions } from "../lib/permissions.ts";

export { permissions, writableDirectories } from "../lib/permissions.ts";

/** One flag of each kind: `--allow-net`, `--allow-env=MTG_*,SECRET,…`. */
export function permissionFlags(table: readonly Permission[] = permissions): readonly string[] {
  return [...Map.groupBy(table, ({ kind }) => kind)].map(([kind, rows]) => {
    const values = rows.flatMap((row) => row.values);
    return values.length === 0 ? `--allow-${kind}` : `--allow-${kind}=${values.join(",")}`;
  });
}
