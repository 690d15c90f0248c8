/** What the files of the container say twice, or the code as well. */
import { assertEquals, assertStringIncludes } from "@std/assert";
import { containerFile } from "../../lib/cli/container.ts";
import { writableDirectories } from "../../lib/permissions.ts";

const read = (name: string) => Deno.readTextFileSync(new URL(`../../${name}`, import.meta.url));
const dockerfile = read("Dockerfile");

function found(pattern: RegExp, text = dockerfile): string | undefined {
  return pattern.exec(text)?.[1];
}

Deno.test("Dockerfile does build with the Deno that all else is tested with", () => {
  assertEquals(found(/install --global deno@(\S+)/), found(/deno@(\d+\.\d+\.\d+)/, read(".ci/run")));
});

Deno.test("Dockerfile does pin its base images, and is no root", () => {
  const images = [...dockerfile.matchAll(/^FROM (\S+)/gm)].map(([, image = ""]) => image);
  assertEquals(images.map((image) => /:[^@]+@sha256:[0-9a-f]{64}$/.test(image)), [true, true]);
  assertEquals(found(/^USER (.*)$/m), "65532:65532");
});

Deno.test("Dockerfile does run and ask what the code takes for the container's configuration", () => {
  assertStringIncludes(dockerfile, `\nCMD ["run", "${containerFile}"]\n`);
  assertStringIncludes(dockerfile, ` CMD ["/mtg", "healthcheck", "${containerFile}"]\n`);
});

Deno.test("Dockerfile does keep state where the program may write, in a volume", () => {
  const directory = found(/^ENV MTG_STATE_DIRECTORY=(.*)$/m) ?? "";
  assertEquals([writableDirectories.includes(directory), found(/^VOLUME (.*)$/m)], [true, directory]);
});

Deno.test("compose.yaml does keep the container's state, and nothing else may be written", () => {
  const compose = read("compose.yaml");
  for (const line of ["- state:/data", "read_only: true", "cap_drop: [ALL]"]) assertStringIncludes(compose, line);
});
