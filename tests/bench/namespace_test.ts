import { assert, assertEquals } from "@std/assert";
import { dcAddresses, setUpCommands } from "../../scripts/bench/namespace.ts";

Deno.test("dcAddresses has the IPv4 addresses of all data centres, beginning with the one that clients ask for", () => {
  assertEquals(dcAddresses[0], "149.154.167.51:443");
  assertEquals(dcAddresses.length, 7);
  for (const address of dcAddresses) assert(/^[\d.]+:443$/.test(address), address);
});

Deno.test("setUpCommands() makes Telegram's addresses local, and touches nothing but its namespace", () => {
  const commands = setUpCommands("test", 0).map((words) => words.join(" "));
  for (const address of dcAddresses) {
    const host = address.slice(0, address.indexOf(":"));
    assert(commands.includes(`ip -n test address add ${host}/32 dev lo`), host);
  }
  for (const command of commands) assert(/^ip (-n|netns exec) test /.test(command), command);
});

Deno.test("setUpCommands() keeps outgoing connections off the ports on which subjects listen", () => {
  const [sysctl] = setUpCommands("test", 0).filter((words) => words.includes("sysctl"));
  assert(sysctl?.includes("net.ipv4.ip_local_reserved_ports=20000-29999"));
});

Deno.test("setUpCommands() delays every packet on demand", () => {
  assertEquals(setUpCommands("test", 0).some(([program]) => program === "tc"), false);
  const [delay] = setUpCommands("test", 50).filter(([program]) => program === "tc");
  assertEquals(delay?.slice(0, 9).join(" "), "tc -n test qdisc add dev lo root netem");
  assert(delay?.includes("50ms"));
});
