/**
 * How the proxy is started from its sources: what `deno task start` says, for scripts that start it too. A test keeps both the
 * same.
 *
 * V8 lets its young generation grow to 64 MB under load and never shrinks it. With 2 MB a session costs a third less memory
 * and no more time (`deno task bench --only idle,conn`).
 */
export const runtimeFlags: readonly string[] = [
  "--no-prompt",
  "--v8-flags=--max-semi-space-size=2",
  "--allow-net",
  "--allow-read",
];
