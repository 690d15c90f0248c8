/** `scripts/install.sh`, against a release on loopback, with programs that stand in for those of the system. */
import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { encodeHex } from "../../lib/bytes/encoding.ts";
import { fileURLToPath } from "node:url";
import {
  canChroot,
  InstallRig,
  link,
  type Outcome,
  pathOf,
  type StandIn,
  standInSecret,
  writeProgram,
} from "./install_rig.ts";

const isLinux = Deno.build.os === "linux";

function installTest(name: string, body: (rig: InstallRig) => Promise<void>, ignore = false): void {
  Deno.test({
    name,
    // It reads /proc, and GNU's programs differ from those of macOS.
    ignore: ignore || !isLinux,
    fn: async () => {
      await using rig = await InstallRig.start();
      await rig.releaseStandIn({ version: "1.0.0" });
      await body(rig);
    },
  });
}

/** A port on which nobody listens. */
function freePort(): string {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  return String(listener.addr.port);
}

const siteOptions = () => ["-p", freePort(), "-d", "www.Example.com"];

function assertDone({ code, out, err }: Outcome): void {
  assertEquals(code, 0, `${out}\n${err}`);
}

function assertRefused({ code, err }: Outcome, text: string, expected = 1): void {
  assertStringIncludes(err, text);
  assertEquals(code, expected);
}

for (const shell of ["sh", "dash", "bash"]) {
  installTest(
    `install.sh under ${shell} installs program, unit and configuration, and prints the link`,
    async (rig) => {
      const port = freePort();
      const done = await rig.install(["-p", port, "-d", "www.example.com", "--public-host", "192.0.2.1"], { shell });
      assertDone(done);
      assertStringIncludes(await rig.read("/usr/local/bin/mtg"), "mtg-1.0.0");
      assertStringIncludes(await rig.read("/etc/systemd/system/mtg.service"), "ExecStart=/usr/local/bin/mtg run");
      const config = await rig.read("/etc/mtg/config.toml");
      assertStringIncludes(config, `secret = "${standInSecret}"\n`);
      assertMatch(config, new RegExp(`^bind-to = "(0\\.0\\.0\\.0)?:${port}"$`, "m"));
      assertStringIncludes(config, `public-host = "192.0.2.1"\n`);
      assertEquals((await Deno.stat(`${rig.root}/etc/mtg/config.toml`)).mode! & 0o777, 0o640);
      assertEquals((await Deno.stat(`${rig.root}/etc/mtg`)).mode! & 0o777, 0o750);
      const calls = await rig.calls();
      for (
        const call of [
          "mtg-1.0.0 generate-secret www.example.com",
          "groupadd --system mtg-config",
          `chgrp mtg-config ${rig.root}/etc/mtg ${rig.root}/etc/mtg/config.toml.new`,
          "systemctl daemon-reload",
          "systemctl enable mtg",
          "systemctl restart mtg",
        ]
      ) assertStringIncludes(calls, `${call}\n`);
      assertStringIncludes(done.out, "doctor was here");
      assertStringIncludes(done.out, `ufw allow ${rig.port}/tcp`);
      assertStringIncludes(done.out, link);
    },
    pathOf(shell) === undefined,
  );
}

installTest("install.sh run again changes nothing", async (rig) => {
  assertDone(await rig.install(siteOptions()));
  const before = await rig.files();
  await rig.calls();
  const again = await rig.install([]);
  assertDone(again);
  assertStringIncludes(again.out, "mtg 1.0.0 is installed already");
  assertEquals(await rig.files(), before);
  assertEquals((await rig.calls()).includes("restart"), false);
});

installTest("install.sh starts a service again that has ended", async (rig) => {
  assertDone(await rig.install(siteOptions()));
  await Deno.remove(`${rig.directory}/active`);
  await rig.calls();
  assertDone(await rig.install([]));
  assertStringIncludes(await rig.calls(), "systemctl restart mtg\n");
});

installTest("install.sh warns where systemd is older than its unit", async (rig) => {
  const told = await rig.install(siteOptions(), { env: { SYSTEMD: "241" } });
  assertDone(told);
  assertStringIncludes(told.err, "systemd here is 241, and the unit is for 247 or later");
});

installTest("install.sh --dry-run changes nothing", async (rig) => {
  const { code, out } = await rig.install(["--dry-run", ...siteOptions()]);
  assertEquals(code, 0);
  assertStringIncludes(out, "mtg-1.0.0-x86_64-unknown-linux-gnu and mtg.service");
  assertStringIncludes(out, "would run: systemctl enable mtg");
  assertStringIncludes(out, `would write ${rig.root}/etc/mtg/config.toml`);
  assertEquals(await rig.files(), {});
  assertEquals(await rig.calls(), "");

  assertDone(await rig.install(siteOptions()));
  const before = await rig.files();
  await rig.releaseStandIn({ version: "2.0.0" });
  await rig.calls();
  for (const options of [[], ["--uninstall", "--purge"]]) {
    assertDone(await rig.install(["--dry-run", ...options]));
    assertEquals(await rig.files(), before);
    assertEquals(await rig.calls(), "");
  }
});

installTest("install.sh installs nothing whose checksum is wrong or missing", async (rig) => {
  const name = "mtg-1.0.0-x86_64-unknown-linux-gnu";
  for (
    const [sums, told] of [
      [`${"0".repeat(64)}  ${name}\n`, `the checksum of ${name} is wrong`],
      [`${"0".repeat(64)}  mtg-1.0.0-aarch64-unknown-linux-gnu\n`, "has no mtg-VERSION-x86_64-unknown-linux-gnu"],
      [`${"0".repeat(64)}  mtg-$(id)-x86_64-unknown-linux-gnu\n`, "an impossible name"],
    ] as const
  ) {
    await rig.release("1.0.0", "#!/bin/sh\nexit 1\n", { sums });
    assertRefused(await rig.install(siteOptions()), told);
    assertEquals(await rig.files(), {});
  }
});

installTest("install.sh installs no program that does not start", async (rig) => {
  await rig.release("1.0.0", "#!/bin/sh\nexit 1\n");
  assertRefused(await rig.install(siteOptions()), "mtg 1.0.0 does not start on this machine");
  assertEquals(await rig.files(), {});
});

installTest("install.sh names who holds the port", async (rig) => {
  const told = await rig.install(["-p", String(rig.port), "-d", "www.example.com"]);
  assertMatch(told.err, new RegExp(`port ${rig.port} is taken by \\S+ \\(process ${Deno.pid}\\)`));
  assertRefused(told, "share the port: see the recipes in the README");
  assertEquals(await rig.files(), {});
});

for (
  const [what, program, body, told] of [
    ["musl", "ldd", `echo "musl libc (x86_64)" >&2; exit 1`, "glibc"],
    ["an old glibc", "ldd", `echo "ldd (GNU libc) 2.26"`, "glibc here is 2.26, and Deno needs 2.27 or later"],
    ["an unknown C library", "ldd", "exit 1", "cannot tell the C library"],
    ["32-bit ARM", "uname", `if [ "$1" = -m ]; then echo armv7l; else echo Linux; fi`, "32-bit system (armv7l)"],
    ["32-bit programs", "getconf", "echo 32", "the programs of this system are 32-bit"],
    [
      "a processor without Deno",
      "uname",
      `if [ "$1" = -m ]; then echo riscv64; else echo Linux; fi`,
      "no Deno for riscv64",
    ],
    ["macOS", "uname", "echo Darwin", "mtg.plist"],
    ["FreeBSD", "uname", "echo FreeBSD", "does not run on FreeBSD"],
  ] as const
) {
  installTest(`install.sh says what to do on ${what}`, async (rig) => {
    await rig.command(program, body);
    assertRefused(await rig.install(siteOptions()), told);
    assertEquals(await rig.files(), {});
  });
}

for (
  const [options, told] of [
    [["-x"], "unknown option -x"],
    [["-p"], "-p needs a value"],
    [["-p", "0"], "-p 0: expected a port"],
    [["-p", "65536"], "-p 65536: expected a port"],
    [["-p", "http"], "-p http: expected a port"],
    [["-p", "0443"], "-p 0443: expected a port"],
    [["-p", "08443"], "-p 08443: expected a port"],
    [["--wait", "08"], "--wait 08: expected seconds"],
    [["--wait", "99999999999999999999"], "expected seconds"],
    [["-a", "simple"], "-a simple: expected tls or dd"],
    [["-a", "dd", "-a", "tls"], "a secret is of one kind"],
    [["-a", "tls"], "-d DOMAIN is needed"],
    [["-a", "dd", "-d", "www.example.com"], "a dd secret looks like no site"],
    [["-d", "www.example.com/path"], "expected a host name"],
    [["-d", "localhost"], "expected a host name"],
    [["-d", "1.2.3.4"], "-d 1.2.3.4: a secret takes no address; expected the name of a site"],
    [["-t", "00112233445566778899aabbccddeeff"], "ad tags (promoted channels) are not in this version"],
    [["-s", standInSecret, "-d", "www.example.com"], "this secret says itself of which kind it is"],
    [["-s", "no secret"], "-s: expected 32 hex digits"],
    [["-s", "-", "-a", "dd"], "nothing came by standard input"],
    [["--purge"], "--purge goes with --uninstall"],
    [["--root", "relative"], "expected an absolute path"],
    [["--public-host", `a"b`], "expected a host name or an address"],
  ] as const
) {
  installTest(`install.sh ${options.join(" ")} is refused`, async (rig) => {
    assertRefused(await rig.install(options), told, 2);
    assertEquals(await rig.files(), {});
  });
}

installTest("install.sh downloads over https or from a directory, and from elsewhere nothing", async (rig) => {
  for (const url of ["http://example.com/release", "ftp://127.0.0.1/", "http://localhost:1@example.com/"]) {
    assertRefused(await rig.install(["--base-url", url, ...siteOptions()]), "expected https");
  }
  assertRefused(await rig.install(["--base-url", `${rig.baseUrl}/elsewhere`, ...siteOptions()]), "cannot download");
  const directory = `${rig.directory}/release`;
  await Deno.mkdir(directory);
  for (const name of ["SHA256SUMS", "mtg-1.0.0-x86_64-unknown-linux-gnu", "mtg.service"]) {
    const response = await fetch(`${rig.baseUrl}/${name}`);
    await Deno.writeFile(`${directory}/${name}`, new Uint8Array(await response.arrayBuffer()));
  }
  assertDone(await rig.install(["--base-url", directory, ...siteOptions()]));
});

for (const tool of ["curl", "wget", "busybox"]) {
  installTest(`install.sh does not follow a redirect to http with ${tool}`, async (rig) => {
    // Only what is asked for by name is found.
    const path = `${rig.directory}/few`;
    await Deno.mkdir(path);
    for (const name of ["sh", "cat", "awk", "sed", "head", "mktemp", "rm", "mkdir", "ls", "tr", "grep", "sha256sum"]) {
      await Deno.symlink(pathOf(name)!, `${path}/${name}`);
    }
    if (tool === "busybox") await writeProgram(`${path}/wget`, `exec ${pathOf(tool)} wget "$@"`);
    else await Deno.symlink(pathOf(tool)!, `${path}/${tool}`);
    const env = { PATH: `${rig.directory}/bin:${path}` };
    const told = await rig.install(["--dry-run", ...siteOptions(), "--base-url", `${rig.baseUrl}/redirect`], { env });
    assertRefused(told, `cannot download ${rig.baseUrl}/redirect/SHA256SUMS`);
    assertDone(await rig.install(["--dry-run", ...siteOptions()], { env }));
  }, pathOf(tool) === undefined);
}

installTest("install.sh makes a secret of 32 hex digits, and takes a whole one", async (rig) => {
  const key = "00112233445566778899aabbccddeeff";
  for (
    const [options, input, secret] of [
      [["-s", "-", "-d", "front.test"], `${key}\n`, `ee${key}66726f6e742e74657374`],
      [["-s", key, "-a", "dd"], "", `dd${key}`],
      [["-s", "-"], standInSecret, standInSecret],
      [["-a", "dd"], "", "3QARIjNEVWZ3iJmqu8zd7v8"],
    ] as const
  ) {
    assertDone(await rig.install(["-p", freePort(), ...options], { input }));
    assertStringIncludes(await rig.read("/etc/mtg/config.toml"), `secret = "${secret}"\n`);
    assertEquals((await rig.calls()).includes(key), false);
    assertDone(await rig.install(["--uninstall", "--purge"]));
  }
});

installTest("install.sh that cannot make the service run shows its last words", async (rig) => {
  await rig.releaseStandIn({ version: "1.0.0", runs: false });
  const told = await rig.install(siteOptions());
  assertRefused(told, "mtg 1.0.0 is installed, and does not serve: the service does not stay up; see above");
  assertStringIncludes(told.err, "the last words of mtg");
});

installTest("install.sh asks the service itself whether it serves, and says what it lacks", async (rig) => {
  await rig.releaseStandIn({ version: "1.0.0", serves: false });
  assertRefused(
    await rig.install(siteOptions()),
    "mtg 1.0.0 is installed, and does not serve: nobody answers; see above",
  );
  assertStringIncludes(await rig.calls(), `mtg-1.0.0 healthcheck ${rig.root}/etc/mtg/config.toml\n`);
});

installTest("install.sh upgrades, keeps the configuration, and goes back with --rollback", async (rig) => {
  assertDone(await rig.install(siteOptions()));
  await Deno.writeTextFile(`${rig.root}/etc/mtg/config.toml`, "# mine\n");
  await rig.releaseStandIn({ version: "2.0.0" });
  await rig.calls();
  assertDone(await rig.install([]));
  assertStringIncludes(await rig.read("/usr/local/bin/mtg"), "mtg-2.0.0");
  assertStringIncludes(await rig.read("/usr/local/bin/mtg.previous"), "mtg-1.0.0");
  assertEquals(await rig.read("/etc/mtg/config.toml"), "# mine\n");
  assertStringIncludes(await rig.calls(), "systemctl restart mtg\n");

  const before = await rig.files();
  const planned = await rig.install(["--rollback", "--dry-run"]);
  assertDone(planned);
  assertEquals(planned.out.includes("is in place"), false);
  assertEquals(await rig.files(), before);

  assertDone(await rig.install(["--rollback"]));
  assertStringIncludes(await rig.read("/usr/local/bin/mtg"), "mtg-1.0.0");
  assertRefused(await rig.install(["--rollback"]), "there is no version to go back to");
});

installTest("install.sh goes back to the version before where the new one does not run", async (rig) => {
  assertDone(await rig.install(siteOptions()));
  const unit = `${rig.root}/etc/systemd/system/mtg.service`;
  await Deno.writeTextFile(unit, "# the unit before\n");
  await rig.releaseStandIn({ version: "2.0.0", runs: false });
  await rig.calls();
  const told = await rig.install([]);
  assertRefused(told, "mtg 2.0.0 did not become healthy within 1 s: the service does not stay up");
  assertStringIncludes(told.err, "the version before runs again");
  assertStringIncludes(await rig.read("/usr/local/bin/mtg"), "mtg-1.0.0");
  assertEquals(await Deno.readTextFile(unit), "# the unit before\n");
  const calls = await rig.calls();
  assert(calls.indexOf("mtg-2.0.0 run") < calls.lastIndexOf("mtg-1.0.0 run"), calls);
});

installTest("install.sh leaves what --rollback leads to where an upgrade fails", async (rig) => {
  assertDone(await rig.install(siteOptions()));
  await rig.releaseStandIn({ version: "2.0.0" });
  assertDone(await rig.install([]));
  const before = await rig.files();
  await rig.releaseStandIn({ version: "3.0.0", serves: false });
  assertRefused(await rig.install([]), "mtg 3.0.0 did not become healthy within 1 s: nobody answers");
  assertEquals(await rig.files(), before);
});

/** A machine with 2.0.0, which `--rollback` leads from to 1.0.0, and a release 3.0.0. */
async function withThree(rig: InstallRig, standIn: Partial<StandIn> = {}): Promise<Record<string, string>> {
  assertDone(await rig.install(siteOptions()));
  await rig.releaseStandIn({ version: "2.0.0" });
  assertDone(await rig.install([]));
  await rig.releaseStandIn({ version: "3.0.0", ...standIn });
  await rig.calls();
  return await rig.files();
}

const busybox = pathOf("busybox");

for (const shell of ["dash", "bash", "busybox"]) {
  for (const [name, code] of [["SIGTERM", 143], ["SIGINT", 130], ["SIGHUP", 129]] as const) {
    installTest(`install.sh under ${shell} undoes an upgrade that ${name} interrupts`, async (rig) => {
      await writeProgram(`${rig.directory}/bin/busybox-sh`, `exec ${busybox} sh "$@"`);
      const before = await withThree(rig, { serves: false });
      const told = await rig.install(["--wait", "30"], {
        shell: shell === "busybox" ? `${rig.directory}/bin/busybox-sh` : shell,
        signal: { name, after: "mtg-3.0.0 healthcheck" },
      });
      assertRefused(told, `interrupted by ${name}`, code);
      assertStringIncludes(told.err, "the version before runs again; mtg 3.0.0 was not installed");
      assertEquals(await rig.files(), before);
      const calls = await rig.calls();
      assert(calls.indexOf("mtg-3.0.0 run") < calls.lastIndexOf("mtg-2.0.0 run"), calls);
    }, pathOf(shell) === undefined);
  }
}

installTest("install.sh goes back first where an upgrade was cut off by kill -9", async (rig) => {
  const signal = { name: "SIGKILL", after: "mtg-3.0.0 healthcheck" } as const;
  const before = await withThree(rig, { serves: false });
  const cutOff = async () => {
    await rig.calls();
    await rig.install(["--wait", "30"], { signal });
    assertStringIncludes(await rig.read("/usr/local/bin/mtg"), "mtg-3.0.0");
    await rig.calls();
  };

  await cutOff();
  assertDone(await rig.install(["--rollback"]));
  assertEquals(await rig.files(), before);
  assertStringIncludes(await rig.calls(), "mtg-2.0.0 run");

  await cutOff();
  const half = await rig.files();
  assertStringIncludes((await rig.install(["--dry-run"])).out, "an upgrade was cut off");
  assertEquals(await rig.files(), half);
  assertRefused(await rig.install([]), "an upgrade was cut off");
  assertEquals(await rig.files(), before);

  await cutOff();
  await rig.releaseStandIn({ version: "3.0.0" });
  assertDone(await rig.install([]));
  const files = await rig.files();
  assertEquals(Object.keys(files).toSorted(), Object.keys(before).toSorted());
  assertStringIncludes(files["/usr/local/bin/mtg"]!, "mtg-3.0.0");
  assertStringIncludes(files["/usr/local/bin/mtg.previous"]!, "mtg-2.0.0");

  await rig.releaseStandIn({ version: "4.0.0", serves: false });
  await rig.install(["--wait", "30"], { signal: { name: "SIGKILL", after: "mtg-4.0.0 healthcheck" } });
  assertDone(await rig.install(["--uninstall", "--purge"]));
  assertEquals(await rig.files(), {});
});

for (const copy of ["/bin/mtg.new", "/mtg.service.new"]) {
  installTest(`install.sh undoes an upgrade that has no room for ${copy}`, async (rig) => {
    const before = await withThree(rig);
    // The unit is written only where it differs when going back, so that there is room for what matters.
    await rig.command("cp", `case "$*" in *${copy}) : >"$3"; exit 1 ;; esac\nexec ${pathOf("cp")} "$@"`);
    assertEquals((await rig.install([])).code, 1);
    assertEquals(await rig.files(), before);
  });
}

installTest("install.sh undoes an upgrade where systemd does not read the unit", async (rig) => {
  const before = await withThree(rig);
  assertRefused(await rig.install([], { env: { FAIL: "daemon-reload" } }), "the version before runs again");
  assertEquals(await rig.files(), before);
  const calls = await rig.calls();
  assert(calls.includes("mtg-2.0.0 run") && !calls.includes("mtg-3.0.0 run"), calls);
});

installTest("install.sh undoes an upgrade also where the version before does not serve any more", async (rig) => {
  await withThree(rig, { serves: false });
  const program = `${rig.root}/usr/local/bin/mtg`;
  await Deno.writeTextFile(program, (await Deno.readTextFile(program)).replace("echo serving", "exit 1"));
  const before = await rig.files();
  assertRefused(await rig.install([]), "the version before is in place again, and does not serve either");
  assertEquals(await rig.files(), before);
});

installTest("install.sh upgrades where there are no hard links", async (rig) => {
  await rig.command("ln", "exit 1");
  const before = await withThree(rig, { serves: false });
  assertStringIncludes(before["/usr/local/bin/mtg.previous"]!, "mtg-1.0.0");
  assertRefused(await rig.install([]), "the version before runs again");
  assertEquals(await rig.files(), before);
});

for (const version of ["1.0.0", "0.9.0"]) {
  installTest(
    `install.sh makes a configuration for a program of version ${version} that was put there by hand`,
    async (rig) => {
      await rig.releaseStandIn({ version });
      const program = await (await fetch(`${rig.baseUrl}/mtg-${version}-x86_64-unknown-linux-gnu`)).text();
      await Deno.mkdir(`${rig.root}/usr/local/bin`, { recursive: true });
      await writeProgram(`${rig.root}/usr/local/bin/mtg`, program.replace("#!/bin/sh\n", ""));
      await rig.releaseStandIn({ version: "1.0.0" });
      assertDone(await rig.install(siteOptions()));
      assertStringIncludes(await rig.read("/etc/mtg/config.toml"), `secret = "${standInSecret}"`);
      assertStringIncludes(await rig.calls(), "systemctl restart mtg\n");
    },
  );
}

installTest("install.sh does not work beside another, and takes the lock of one that is gone", async (rig) => {
  const lock = `${rig.root}/usr/local/bin/mtg.lock`;
  await Deno.mkdir(lock, { recursive: true });
  await Deno.writeTextFile(`${lock}/pid`, `${Deno.pid}\n`);
  assertRefused(await rig.install(siteOptions()), `another install.sh is at work (process ${Deno.pid})`);
  assertEquals(Object.keys(await rig.files()), ["/usr/local/bin/mtg.lock/pid"]);
  const gone = new Deno.Command("true").spawn();
  await gone.status;
  await Deno.writeTextFile(`${lock}/pid`, `${gone.pid}\n`);
  assertDone(await rig.install(siteOptions()));
  assertEquals(Object.keys(await rig.files()).filter((path) => path.includes("lock")), []);
});

installTest("install.sh changes nothing where the new version does not take the configuration", async (rig) => {
  assertDone(await rig.install(siteOptions()));
  const before = await rig.files();
  await rig.releaseStandIn({ version: "2.0.0", takesConfig: false });
  await rig.calls();
  assertRefused(await rig.install([]), "mtg 2.0.0 cannot use");
  assertEquals(await rig.files(), before);
  assertEquals((await rig.calls()).includes("restart"), false);
});

installTest("install.sh does not overwrite a configuration by options", async (rig) => {
  assertDone(await rig.install(siteOptions()));
  const before = await rig.files();
  assertRefused(await rig.install(siteOptions()), "there is a configuration already");
  assertEquals(await rig.files(), before);
});

installTest("install.sh --uninstall keeps the configuration, with --purge it does not", async (rig) => {
  assertDone(await rig.install(siteOptions()));
  const config = await rig.read("/etc/mtg/config.toml");
  await rig.releaseStandIn({ version: "2.0.0" });
  assertDone(await rig.install([]));
  await rig.calls();
  assertDone(await rig.install(["--uninstall"]));
  assertEquals(await rig.files(), { "/etc/mtg/config.toml": config });
  assertStringIncludes(await rig.calls(), "systemctl disable --now mtg\n");
  assertDone(await rig.install(["--uninstall"]));

  assertDone(await rig.install([]));
  assertEquals(await rig.read("/etc/mtg/config.toml"), config);
  assertDone(await rig.install(["--uninstall", "--purge"]));
  assertEquals(await rig.files(), {});
});

installTest("install.sh sets up OpenRC where systemd does not run", async (rig) => {
  await Deno.remove(`${rig.root}/run/systemd`, { recursive: true });
  assertDone(await rig.install([...siteOptions(), "--prefix", "/opt/mtg"], { env: { PROGRAM: "/opt/mtg/bin/mtg" } }));
  const calls = await rig.calls();
  assertStringIncludes(calls, "useradd --system --no-create-home");
  assertStringIncludes(calls, "rc-update add mtg default\n");
  assertStringIncludes(calls, "rc-service mtg restart\n");
  const file = `${rig.root}/etc/init.d/mtg`;
  assertStringIncludes(await Deno.readTextFile(file), "/opt/mtg/bin/mtg run --no-links");
  assertEquals((await Deno.stat(file)).mode! & 0o777, 0o755);

  await Deno.mkdir(`${rig.root}/var/log`, { recursive: true });
  for (const log of ["mtg.log", "mtg.log.1"]) await Deno.writeTextFile(`${rig.root}/var/log/${log}`, "192.0.2.1\n");
  assertDone(await rig.install(["--uninstall", "--purge"]));
  assertEquals(await rig.files(), {});
});

for (const manager of ["systemd", "OpenRC"]) {
  installTest(`install.sh under ${manager} finds the program of --prefix again by the service`, async (rig) => {
    if (manager === "OpenRC") await Deno.remove(`${rig.root}/run/systemd`, { recursive: true });
    const env = { PROGRAM: "/opt/my-c++/bin/mtg" };
    assertDone(await rig.install([...siteOptions(), "--prefix", "/opt/my-c++"], { env }));
    await rig.releaseStandIn({ version: "2.0.0" });
    const upgraded = await rig.install([], { env });
    assertDone(upgraded);
    assertStringIncludes(upgraded.out, "The service starts /opt/my-c++/bin/mtg");
    assertStringIncludes(await rig.read("/opt/my-c++/bin/mtg"), "mtg-2.0.0");
    assertEquals(Object.keys(await rig.files()).filter((path) => path.startsWith("/usr")), []);
    assertDone(await rig.install(["--rollback"], { env }));
    assertStringIncludes(await rig.read("/opt/my-c++/bin/mtg"), "mtg-1.0.0");

    const moved = await rig.install(["--prefix", "/usr/local"]);
    assertDone(moved);
    assertStringIncludes(moved.err, "the service starts /opt/my-c++/bin/mtg, and --prefix says /usr/local/bin/mtg");
    assertStringIncludes(await rig.read("/usr/local/bin/mtg"), "mtg-2.0.0");
    assertDone(await rig.install(["--uninstall", "--purge"]));
    assertEquals(Object.keys(await rig.files()), ["/opt/my-c++/bin/mtg"]);
  });

  installTest(`install.sh under ${manager} leaves or keeps a unit that its owner has edited`, async (rig) => {
    if (manager === "OpenRC") await Deno.remove(`${rig.root}/run/systemd`, { recursive: true });
    const [path, copy] = manager === "OpenRC"
      ? ["/etc/init.d/mtg", "/etc/mtg/mtg.openrc.before"]
      : ["/etc/systemd/system/mtg.service", "/etc/mtg/mtg.service.before"];
    const edit = async () => {
      const text = (await rig.read(path)).replace(/^(#MemoryMax=512M|respawn_delay=2)$/m, "# mine");
      await Deno.writeTextFile(`${rig.root}${path}`, text);
      return text;
    };
    assertDone(await rig.install(siteOptions()));
    const written = await rig.read(path);
    const edited = await edit();
    assert(edited !== written);
    const again = await rig.install([]);
    assertDone(again);
    assertStringIncludes(again.out, `${path} is not as this script wrote it, and stays so.`);
    assertEquals(await rig.read(path), edited);

    await rig.releaseStandIn({ version: "2.0.0", serves: false });
    const before = await rig.files();
    assertRefused(await rig.install([]), "the version before runs again");
    assertEquals(await rig.files(), before);

    await rig.releaseStandIn({ version: "2.0.0" });
    const upgraded = await rig.install([]);
    assertDone(upgraded);
    assertStringIncludes(upgraded.out, `is kept as ${rig.root}${copy}`);
    assertStringIncludes(upgraded.out, manager === "OpenRC" ? "/etc/conf.d/mtg stays" : "systemctl edit mtg");
    assertEquals([await rig.read(path), await rig.read(copy)], [written, edited]);

    const editedAgain = await edit() + "# and more\n";
    await Deno.writeTextFile(`${rig.root}${path}`, editedAgain);
    assertDone(await rig.install(["--rollback"]));
    assertEquals([await rig.read(path), await rig.read(copy)], [edited, editedAgain]);

    assertDone(await rig.install(["--uninstall"]));
    assertEquals(await rig.read(copy), edited);
    assertDone(await rig.install(["--uninstall", "--purge"]));
    assertEquals(await rig.files(), {});
  });
}

installTest("install.sh replaces a unit of its own that is another now, and restarts the service", async (rig) => {
  assertDone(await rig.install(siteOptions()));
  const path = "/etc/systemd/system/mtg.service";
  const written = await rig.read(path);
  const lines = written.replace("RestartSec=2s", "RestartSec=3s").trimEnd().split("\n");
  const older = lines.slice(0, -1).join("\n") + "\n";
  const sum = encodeHex(new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(older))));
  await Deno.writeTextFile(`${rig.root}${path}`, older + lines.at(-1)!.replace(/[0-9a-f]{64}$/, sum) + "\n");
  await rig.calls();
  assertDone(await rig.install([]));
  assertEquals(await rig.read(path), written);
  assertStringIncludes(await rig.calls(), "systemctl daemon-reload\nsystemctl enable mtg\nsystemctl restart mtg\n");
});

installTest("install.sh without a service manager says how to run it", async (rig) => {
  await Deno.remove(`${rig.root}/run/systemd`, { recursive: true });
  await Deno.remove(`${rig.directory}/bin/rc-service`);
  const done = await rig.install(siteOptions());
  assertDone(done);
  assertStringIncludes(done.out, `/usr/local/bin/mtg run ${rig.root}/etc/mtg/config.toml`);
  assertEquals((await Deno.stat(`${rig.root}/etc/mtg/config.toml`)).mode! & 0o777, 0o600);
}, pathOf("rc-service") !== undefined);

/** The real program as one file: it may reach nothing but loopback, and is told so by variables, which go before the file. */
function realProgram(rig: InstallRig): string {
  const main = fileURLToPath(new URL("../../main.ts", import.meta.url));
  const nowhere = "127.0.0.1:1";
  const dcs = [1, 2, 3, 4, 5, 203].map((dc) => `${dc}=${nowhere}`).join(";");
  return `#!/bin/sh
export DENO_NO_UPDATE_CHECK=1 MTG_WORKERS=1 MTG_PUBLIC_IPV4=127.0.0.1 MTG_NTP_SERVERS=127.0.0.1 MTG_NETWORK_DNS=udp://127.0.0.1:1
export MTG_DC_OVERRIDES="${dcs}" MTG_DOMAIN_FRONTING_IP=127.0.0.1 MTG_DOMAIN_FRONTING_PORT=${rig.port}
exec ${Deno.execPath()} run --quiet --no-prompt --allow-net --allow-read "--allow-env=MTG_*" ${main} "$@"
`;
}

installTest("install.sh installs the real program, which serves and has a link", async (rig) => {
  await rig.release("1.0.0", realProgram(rig));
  const port = freePort();
  const options = ["--wait", "30", "-p", port, "-d", "front.test", "--public-host", "127.0.0.1"];
  const done = await rig.install(options, { env: { SERVE: "yes" } });
  assertDone(done);
  assertMatch(done.out, new RegExp(`tg://proxy\\?server=127\\.0\\.0\\.1&port=${port}&secret=7`));
  // Strangers see the site.
  using conn = await Deno.connect({ hostname: "127.0.0.1", port: Number(port) });
  await conn.write(new TextEncoder().encode("GET /SHA256SUMS HTTP/1.0\r\n\r\n"));
  assertStringIncludes(await new Response(conn.readable).text(), "200 OK");
});

const chroots = isLinux && await canChroot();

installTest(
  `install.sh in a chroot, as root, with the system's own programs${chroots ? "" : ": skipped, it needs root"}`,
  async (rig) => {
    const port = freePort();
    const { code, out, err } = await rig.inChroot(`
test ! -e /etc/mtg -a ! -e /usr/local/bin/mtg
sh /rig/install.sh --wait 1 -p ${port} -d www.example.com </dev/null
stat -c '%A %U %G %n' /etc/mtg /etc/mtg/config.toml /usr/local/bin/mtg /etc/systemd/system/mtg.service
sh /rig/install.sh --wait 1
sh /rig/install.sh --uninstall
test -e /etc/mtg/config.toml -a ! -e /usr/local/bin/mtg
sh /rig/install.sh --uninstall --purge
test ! -e /etc/mtg
! getent group mtg-config
# As hardened machines have it: nothing that is there may be executed.
mount -t tmpfs -o noexec tmpfs /tmp
sh /rig/install.sh --wait 1 -p ${port} -d www.example.com </dev/null
sh /rig/install.sh --uninstall --purge
`);
    assertEquals(code, 0, `${out}\n${err}`);
    for (
      const line of [
        "drwxr-x--- root mtg-config /etc/mtg",
        "-rw-r----- root mtg-config /etc/mtg/config.toml",
        "-rwxr-xr-x root root /usr/local/bin/mtg",
        "-rw-r--r-- root root /etc/systemd/system/mtg.service",
        "mtg 1.0.0 is installed already.",
      ]
    ) assertStringIncludes(out, `${line}\n`);
  },
  !chroots,
);

installTest(
  `install.sh asks on a terminal${pathOf("script") ? "" : ": skipped, script is not installed"}`,
  async (rig) => {
    const port = freePort();
    const child = new Deno.Command("script", {
      args: ["-qec", `sh ${rig.script} --root ${rig.root} --base-url ${rig.baseUrl} --wait 1`, "/dev/null"],
      env: rig.env,
      stdin: "piped",
      stdout: "piped",
    }).spawn();
    const writer = child.stdin.getWriter();
    await writer.write(new TextEncoder().encode(`seven\n${port}\n\nnowhere\nfront.test\n`));
    const { code, stdout } = await child.output();
    await writer.close().catch(() => {});
    const out = new TextDecoder().decode(stdout);
    assertEquals(code, 0, out);
    for (
      const text of [
        "Port [443]: ",
        "-p seven: expected a port",
        "tls (like HTTPS",
        "-d nowhere: expected a host",
        link,
      ]
    ) {
      assertStringIncludes(out, text);
    }
    assertMatch(await rig.read("/etc/mtg/config.toml"), new RegExp(`:${port}"`));
    assertStringIncludes(await rig.calls(), "generate-secret front.test\n");
  },
  pathOf("script") === undefined,
);
