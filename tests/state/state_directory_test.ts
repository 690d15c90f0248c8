import { assertEquals, assertRejects } from "@std/assert";
import { StateDirectory, StateError } from "../../lib/state/state_directory.ts";

/** A directory of its own for each test. */
class Place implements AsyncDisposable {
  private constructor(readonly path: string) {}

  static async make(): Promise<Place> {
    return new Place(await Deno.makeTempDir());
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Deno.remove(this.path, { recursive: true });
  }
}

Deno.test("StateDirectory does give back what was written, and is not there before", async () => {
  await using place = await Place.make();
  const state = new StateDirectory(`${place.path}/a/b`);
  assertEquals(await state.read("secret"), undefined);
  await assertRejects(() => Deno.stat(`${place.path}/a`), Deno.errors.NotFound);
  await state.write("secret", "one\n");
  await state.write("secret", "two\n");
  assertEquals(await state.read("secret"), "two\n");
  assertEquals((await Array.fromAsync(Deno.readDir(state.path))).map(({ name }) => name), ["secret"]);
});

Deno.test({
  name: "StateDirectory does keep others out, whatever an earlier process has left",
  ignore: Deno.build.os === "windows",
  fn: async () => {
    await using place = await Place.make();
    const state = new StateDirectory(`${place.path}/state`);
    await Deno.mkdir(state.path, { mode: 0o700 });
    await Deno.writeTextFile(`${state.path}/secret`, "old", { mode: 0o666 });
    await state.write("secret", "new");
    const modes = [state.path, state.pathOf("secret")].map((path) => (Deno.statSync(path).mode ?? 0) & 0o777);
    assertEquals(modes, [0o700, 0o600]);
    assertEquals(await state.read("secret"), "new");
  },
});

Deno.test("StateDirectory does leave nothing behind where the new text cannot be written", async () => {
  await using place = await Place.make();
  const state = new StateDirectory(place.path);
  await Deno.mkdir(`${place.path}/secret/full`, { recursive: true });
  await assertRejects(
    () => state.write("secret", "new"),
    StateError,
    `state.directory = "${place.path}": cannot write`,
  );
  assertEquals(
    (await Array.fromAsync(Deno.readDir(place.path))).map(({ name }) => name),
    ["secret"],
    "nothing is left",
  );
});

Deno.test("StateDirectory does create a file once, however many want to at once", async () => {
  await using place = await Place.make();
  const texts = Array.from({ length: 20 }, (_, i) => `secret ${i}`);
  const given = await Promise.all(texts.map((text) => new StateDirectory(place.path).create("secret", text)));
  const state = new StateDirectory(place.path);
  assertEquals(new Set(given), new Set([await state.read("secret") ?? ""]));
  assertEquals(await state.create("secret", "later"), given[0]);
  assertEquals((await Array.fromAsync(Deno.readDir(place.path))).map(({ name }) => name), ["secret"]);
});

/** Runs `body` while one of Deno's functions fails. */
async function failing(name: "link" | "rename", error: Error, body: () => Promise<void>): Promise<void> {
  const own = Deno[name];
  Object.assign(Deno, { [name]: () => Promise.reject(error) });
  try {
    await body();
  } finally {
    Object.assign(Deno, { [name]: own });
  }
}

Deno.test("StateDirectory does leave the old text where the new one does not get to its place", async () => {
  await using place = await Place.make();
  const state = new StateDirectory(place.path);
  await state.write("secret", "old");
  await failing("rename", new Error("disk quota exceeded"), async () => {
    await assertRejects(() => state.write("secret", "new"), StateError, "cannot write secret: disk quota exceeded");
  });
  assertEquals(await state.read("secret"), "old");
  assertEquals((await Array.fromAsync(Deno.readDir(place.path))).length, 1);
});

Deno.test("StateDirectory does create a file where the file system has no links, and says what else fails", async () => {
  await using place = await Place.make();
  const state = new StateDirectory(place.path);
  const noLinks = Object.assign(new Deno.errors.PermissionDenied("operation not permitted"), { code: "EPERM" });
  await failing("link", noLinks, async () => assertEquals(await state.create("secret", "text"), "text"));
  assertEquals(await state.read("secret"), "text");
  await failing("link", Object.assign(new Error("input/output error"), { code: "EIO" }), async () => {
    await assertRejects(() => state.create("other", "text"), StateError, "cannot write other: input/output error");
  });
});

Deno.test({
  name: "StateDirectory does not take a link that leads nowhere for a file that is kept",
  ignore: Deno.build.os === "windows",
  fn: async () => {
    await using place = await Place.make();
    await Deno.symlink(`${place.path}/nowhere`, `${place.path}/secret`);
    await assertRejects(
      () => new StateDirectory(place.path).create("secret", "text"),
      StateError,
      "cannot write secret",
    );
  },
});

Deno.test("StateDirectory does remove what killed starts have left, but not what others write just now", async () => {
  await using place = await Place.make();
  const state = new StateDirectory(place.path);
  const [old, fresh] = [crypto.randomUUID(), crypto.randomUUID()].map((id) => `secret.${id}`);
  const names = [old, fresh, "secret.txt", `other.${crypto.randomUUID()}`].map(String);
  for (const name of names) await Deno.writeTextFile(state.pathOf(name), "left");
  const hourAgo = new Date(Date.now() - 3_600_000);
  for (const name of names.filter((name) => name !== fresh)) await Deno.utime(state.pathOf(name), hourAgo, hourAgo);
  await state.write("secret", "text");
  const there = (await Array.fromAsync(Deno.readDir(place.path))).map(({ name }) => name);
  assertEquals(new Set(there), new Set([...names.filter((name) => name !== old), "secret"]));
});

Deno.test("StateDirectory does remove a file, and says whether it is there itself", async () => {
  await using place = await Place.make();
  const state = new StateDirectory(`${place.path}/state`);
  assertEquals(await state.exists(), false);
  await state.remove("secret");
  await state.write("secret", "text");
  assertEquals(await state.exists(), true);
  await state.remove("secret");
  assertEquals(await state.read("secret"), undefined);
});

Deno.test("StateDirectory does name the key and the file that cannot be read", async () => {
  await using place = await Place.make();
  await Deno.mkdir(`${place.path}/secret`);
  const state = new StateDirectory(place.path);
  const problem = `state.directory = "${place.path}": cannot read secret: `;
  await assertRejects(() => state.read("secret"), StateError, problem);
});

Deno.test({
  name: "StateDirectory does name the directories where it may write, where Deno does not let it",
  permissions: { read: true, write: false },
  fn: async () => {
    await assertRejects(
      () => new StateDirectory("/srv/mtg").write("secret", "x"),
      StateError,
      'state.directory = "/srv/mtg": cannot write secret: Deno does not permit it; mtg may write files and use sockets in ' +
        "mtg-data, /var/lib/mtg, /data and /run/mtg only",
    );
  },
});
