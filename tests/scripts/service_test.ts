/** The files in `scripts/service`, and the install script, by the checkers that there are for them on this machine. */
import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";

const scripts = new URL("../../scripts/", import.meta.url).pathname;
const service = `${scripts}service/`;

interface Ended {
  readonly code: number;
  readonly text: string;
}

async function execute(program: string, args: readonly string[]): Promise<Ended> {
  const { code, stdout, stderr } = await new Deno.Command(program, { args: [...args], stdin: "null" }).output();
  return { code, text: new TextDecoder().decode(stdout) + new TextDecoder().decode(stderr) };
}

/** A checker that is not installed everywhere: without it the test is skipped, under a name that says so. */
async function checkerTest(program: string, name: string, body: () => Promise<void>): Promise<void> {
  const has = await execute(program, ["--version"]).then(() => true, () => false);
  Deno.test({ name: has ? name : `${name}: skipped, ${program} is not installed`, ignore: !has, fn: body });
}

/** These are for any shell. */
const posix = [`${scripts}install.sh`, `${service}mtg.openrc`, `${service}mtg.procd`];
const bash = ["aarch64.sh", "fetch_tdlib.sh", "try_image.sh", "../.ci/run"].map((name) => scripts + name);

await checkerTest("sh", "Shell scripts have no mistakes of grammar", async () => {
  for (const file of posix) assertEquals(await execute("sh", ["-n", file]), { code: 0, text: "" });
});

await checkerTest("shellcheck", "Shell scripts pass shellcheck", async () => {
  assertEquals(await execute("shellcheck", [...posix, ...bash]), { code: 0, text: "" });
});

/** The unit with a program that is there, which "verify" looks for. */
async function withUnit(body: (file: string) => Promise<void>): Promise<void> {
  const directory = await Deno.makeTempDir({ prefix: "mtg-unit-" });
  try {
    const unit = await Deno.readTextFile(`${service}mtg.service`);
    assertStringIncludes(unit, "ExecStart=/usr/local/bin/mtg run --no-links /etc/mtg/config.toml\n");
    await Deno.writeTextFile(`${directory}/mtg.service`, unit.replaceAll("/usr/local/bin/mtg ", "/bin/true "));
    await body(`${directory}/mtg.service`);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

await checkerTest("systemd-analyze", "mtg.service passes systemd-analyze verify", async () => {
  await withUnit(async (file) =>
    assertEquals(await execute("systemd-analyze", ["verify", file]), { code: 0, text: "" })
  );
});

await checkerTest("systemd-analyze", "mtg.service is exposed as little as its head says", async () => {
  await withUnit(async (file) => {
    const { code, text } = await execute("systemd-analyze", [
      "security",
      "--offline=true",
      "--threshold=20",
      "--no-pager",
      file,
    ]);
    // Systemd before 250 cannot look at a file.
    if (!/unrecognized option/.test(text)) {
      assertMatch(text, /Overall exposure level for mtg\.service: [01]\.\d OK/);
      assertEquals(code, 0);
    }
  });
});

const grammar = `<!ELEMENT plist (dict)><!ATTLIST plist version CDATA #REQUIRED>
<!ELEMENT dict (key, (string | integer | true | false | array | dict))*><!ELEMENT array (string)*>
<!ELEMENT key (#PCDATA)><!ELEMENT string (#PCDATA)><!ELEMENT integer (#PCDATA)><!ELEMENT true EMPTY><!ELEMENT false EMPTY>`;

await checkerTest("xmllint", "mtg.plist is a property list", async () => {
  const directory = await Deno.makeTempDir({ prefix: "mtg-plist-" });
  try {
    // Without the address of Apple's DTD, which xmllint would want to read.
    const text = await Deno.readTextFile(`${service}mtg.plist`);
    await Deno.writeTextFile(`${directory}/mtg.plist`, text.replace(/<!DOCTYPE [^>]*>/, ""));
    await Deno.writeTextFile(`${directory}/plist.dtd`, grammar);
    const args = ["--noout", "--dtdvalid", `${directory}/plist.dtd`, `${directory}/mtg.plist`];
    assertEquals(await execute("xmllint", args), { code: 0, text: "" });
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
});

/** Runs `calls` after the file `name`, between functions that print what they are called with. */
async function play(name: string, standIns: readonly string[], calls: string): Promise<Ended> {
  const functions = standIns.map((one) => `${one}() { echo "${one} $*"; }`).join("\n");
  // No name of a function in every shell.
  const text = (await Deno.readTextFile(service + name)).replaceAll(/^\t?supervise-daemon /gm, "supervise_daemon ");
  return await execute("sh", ["-ec", `${functions}\n${text}\n${calls}`]);
}

Deno.test({
  name: "mtg.openrc makes its directories, and reloads by SIGHUP",
  ignore: Deno.build.os === "windows",
  fn: async () => {
    const standIns = ["checkpath", "ebegin", "eend", "use", "after", "supervise_daemon"];
    const calls = `depend; start_pre; echo $command $command_args; RC_SVCNAME=mtg; reload`;
    const { code, text } = await play("mtg.openrc", standIns, calls);
    assertEquals(code, 0, text);
    for (
      const line of [
        "use net dns logger",
        "checkpath --directory --mode 0700 --owner mtg:mtg-config /var/lib/mtg",
        "/usr/local/bin/mtg run --no-links /etc/mtg/config.toml",
        "ebegin Reloading mtg",
        "supervise_daemon mtg --signal HUP",
      ]
    ) assertStringIncludes(text, `${line}\n`);
  },
});

Deno.test({
  name: "mtg.procd starts in its own root, and says what is missing where there is none",
  ignore: Deno.build.os === "windows",
  fn: async () => {
    const standIns = [
      "procd_open_instance",
      "procd_set_param",
      "procd_close_instance",
      "procd_send_signal",
      "chown",
      "mount",
    ];
    const none = await play("mtg.procd", standIns, "ROOT=/nowhere; start_service");
    assertStringIncludes(none.text, "mtg needs a glibc system in /nowhere");
    assert(none.code !== 0);

    const root = await Deno.makeTempDir({ prefix: "mtg-procd-" });
    try {
      await Deno.writeTextFile(`${root}/mtg`, "", { mode: 0o755 });
      const bare = await play("mtg.procd", [...standIns, "cp"], `ROOT=${root}; start_service`);
      assertStringIncludes(bare.text, `${root}/etc/mtg/config.toml is missing`);
      assert(bare.code !== 0);
      await Deno.mkdir(`${root}/etc/mtg`, { recursive: true });
      await Deno.writeTextFile(`${root}/etc/mtg/config.toml`, "");
      const played = await play("mtg.procd", [...standIns, "cp"], `ROOT=${root}; start_service; reload_service`);
      assertEquals(played.code, 0, played.text);
      const command = `chroot --userspec=65534:65534 ${root} /mtg run --no-links /etc/mtg/config.toml`;
      assertStringIncludes(played.text, `procd_set_param command ${command}\n`);
      assertStringIncludes(
        played.text,
        `chown 65534:65534 ${root}/var/lib/mtg ${root}/run/mtg ${root}/etc/mtg/config.toml\n`,
      );
      assertStringIncludes(played.text, `mount -t proc proc ${root}/proc\n`);
      assertStringIncludes(played.text, "procd_send_signal mtg\n");
    } finally {
      await Deno.remove(root, { recursive: true });
    }
  },
});
