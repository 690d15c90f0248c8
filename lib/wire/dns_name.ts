const nameAtMost = 253;
/** With underscores, which names of services have. */
const label = /^[a-z0-9_-]{1,63}$/;

/** `host` as names are asked for: lower case, no final dot. `undefined` if it is no name that DNS could know. */
export function dnsName(host: string): string | undefined {
  const name = host.toLowerCase().replace(/\.$/, "");
  return name.length <= nameAtMost && name.split(".").every((part) => label.test(part)) ? name : undefined;
}
