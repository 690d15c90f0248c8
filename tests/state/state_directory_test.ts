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
    await Deno.writeTextFile(`${state.path}/secret.new`, "left", { mode: 0o666 });
    await Deno.writeTextFile(`${state.path}/secret`, "old", { mode: 0o666 });
    await state.write("secret", "new");
    const modes = [state.path, state.pathOf("secret")].map((path) => (Deno.statSync(path).mode ?? 0) & 0o777);
    assertEquals(modes, [0o700, 0o600]);
    assertEquals(await state.read("secret"), "new");
  },
});

Deno.test("StateDirectory does leave the old text where the new one cannot be written", async () => {
  await using place = await Place.make();
  const state = new StateDirectory(place.path);
  await state.write("secret", "old");
  await Deno.mkdir(`${place.path}/secret.new/full`, { recursive: true });
  await assertRejects(
    () => state.write("secret", "new"),
    StateError,
    `state.directory = "${place.path}": cannot write`,
  );
  assertEquals(await state.read("secret"), "old");
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
