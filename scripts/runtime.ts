import { permissionFlags } from "./permissions.ts";

/**
 * V8 lets its young generation grow to 64 MB under load and never shrinks it. 4 MB cost no time (`deno task bench --only
 * echo,conn`); with 2 MB 4,000 idle clients take 4 MB less, and a round trip among 256 clients takes a tenth more.
 */
export const v8Flags: readonly string[] = ["--max-semi-space-size=4", "--memory-reducer-delay-ms=1000"];

/** What `deno task start` says, for scripts that start the proxy too. A test keeps both the same. */
export const runtimeFlags: readonly string[] = ["--no-prompt", `--v8-flags=${v8Flags.join(",")}`, ...permissionFlags()];
