/** The workflows are right as far as that can be told without running them. */
import { assert, assertEquals, assertMatch, assertThrows } from "@std/assert";
import { parse } from "@std/yaml/parse";
import manifest from "../../deno.json" with { type: "json" };
import { releaseNotes } from "../../scripts/release_notes.ts";

interface Step {
  readonly uses?: string;
  readonly run?: string;
  readonly with?: Readonly<Record<string, unknown>>;
}

interface Job {
  readonly permissions?: Readonly<Record<string, string>>;
  readonly "timeout-minutes"?: number;
  readonly needs?: string | readonly string[];
  readonly steps: readonly Step[];
}

interface Workflow {
  readonly permissions: unknown;
  readonly concurrency: unknown;
  readonly jobs: Readonly<Record<string, Job>>;
}

const root = new URL("../../", import.meta.url);
const folder = new URL(".github/workflows/", root);
const texts = new Map(
  [...Deno.readDirSync(folder)].map(({ name }) => [name, Deno.readTextFileSync(new URL(name, folder))]),
);
const workflows = new Map([...texts].map(([name, text]) => [name, parse(text) as Workflow]));
const jobs = [...workflows].flatMap(([file, { jobs }]) =>
  Object.entries(jobs).map(([name, job]) => ({ name: `${file} ${name}`, job }))
);
const scripts = jobs.flatMap(({ job }) => job.steps).flatMap(({ run }) => run === undefined ? [] : [run]).join("\n");

Deno.test("workflows are those of changes, nights and releases", () => {
  assertEquals([...texts.keys()].toSorted(), ["ci.yml", "nightly.yml", "release.yml"]);
});

Deno.test("actions are pinned by the hash of a commit, with the version for people; one action has one hash", () => {
  const pins = new Map<string, string>();
  for (const [file, text] of texts) {
    for (const [line] of text.matchAll(/^.*\buses:.*$/gm)) {
      assertMatch(line, /uses: [\w-]+\/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$/, file);
      const [, action = "", pin = ""] = /uses: (.+?)@(.+)$/.exec(line) ?? [];
      assertEquals(pins.get(action) ?? pin, pin, action);
      pins.set(action, pin);
    }
  }
  assert(pins.size > 0);
});

Deno.test("jobs may do what they need and no more, and end", () => {
  for (const { permissions, concurrency } of workflows.values()) {
    assertEquals(permissions, {});
    assert(concurrency !== undefined);
  }
  const rights = new Map<string, string[]>();
  for (const { name, job } of jobs) {
    assert(job.permissions !== undefined, name);
    assert((job["timeout-minutes"] ?? 0) > 0, name);
    for (const [what, access] of Object.entries(job.permissions ?? {})) {
      if (access === "write") rights.set(name, [...rights.get(name) ?? [], what]);
    }
    for (const step of job.steps) {
      if (step.uses?.startsWith("actions/checkout@")) assertEquals(step.with?.["persist-credentials"], false, name);
    }
  }
  assertEquals(Object.fromEntries(rights), {
    "release.yml image": ["packages", "id-token", "attestations"],
    "release.yml publish": ["contents", "id-token", "attestations"],
  });
});

Deno.test("scripts in workflows hold no expression, which whoever names a branch could fill", () => {
  assertEquals(scripts.includes("${{"), false);
});

Deno.test("workflows call tasks and scripts that there are", () => {
  const tasks = [...scripts.matchAll(/deno task ([\w:-]+)/g)].map(([, task]) => task ?? "");
  assert(tasks.includes("ok"));
  for (const task of tasks) assert(Object.keys(manifest.tasks).includes(task), task);
  const files = [...scripts.matchAll(/(?:^|\s)((?:scripts|\.ci)\/[\w./-]+)/g)].map(([, file]) => file ?? "");
  assert(files.includes("scripts/aarch64.sh"));
  // What ends in a dot is the beginning of a pattern: `scripts/service/mtg.*`.
  for (const file of files.filter((name) => !name.endsWith("."))) {
    assert(Deno.statSync(new URL(file, root)).isFile, file);
  }
});

Deno.test("one version of Deno is used everywhere", () => {
  const read = (path: string) => Deno.readTextFileSync(new URL(path, root));
  const [, version] = /deno@(\S+)/.exec(read(".ci/run")) ?? [];
  const asked = jobs.flatMap(({ job }) => job.steps).filter(({ uses }) => uses?.startsWith("denoland/setup-deno@"));
  assert(asked.length > 0);
  for (const step of asked) assertEquals(step.with?.["deno-version"], version);
  assertMatch(read("scripts/aarch64.sh"), new RegExp(`^version=${version?.replaceAll(".", "\\.")}$`, "m"));
});

Deno.test("nothing is published before all else is done", () => {
  const release = workflows.get("release.yml")?.jobs ?? {};
  const others = Object.keys(release).filter((name) => name !== "publish");
  assertEquals([...release["publish"]?.needs ?? []].toSorted(), others.toSorted());
  // An image that is pushed is public at once.
  assertEquals(release["image"]?.needs, ["build", "start"]);
});

Deno.test("hashes are looked after", () => {
  const { updates } = parse(Deno.readTextFileSync(new URL(".github/dependabot.yml", root))) as {
    readonly updates: readonly { readonly "package-ecosystem": string }[];
  };
  assert(updates.some((update) => update["package-ecosystem"] === "github-actions"));
});

const changelog =
  "# Changelog\n\n## Unreleased\n\n- Later.\n\n## 1.10.0 – 2027-01-02\n\n- New.\n- More.\n\n## 1.1.0\n\n- Old.\n";

Deno.test("releaseNotes() does give the section of a version", () => {
  assertEquals(releaseNotes("v1.10.0", "1.10.0", changelog), "- New.\n- More.");
  assertEquals(releaseNotes("v1.1.0", "1.1.0", changelog), "- Old.");
});

Deno.test("releaseNotes() does refuse a tag of another version, and a version without a section", () => {
  assertThrows(() => releaseNotes("v1.1.0", "1.10.0", changelog), Error, "expected v1.10.0");
  assertThrows(() => releaseNotes("1.1.0", "1.1.0", changelog), Error, "expected v1.1.0");
  assertThrows(() => releaseNotes("v1.2.0", "1.2.0", changelog), Error, 'no section "## 1.2.0"');
  assertThrows(() => releaseNotes("v1.2.0", "1.2.0", "## 1.2.0\n\n## 1.1.0\n\n- Old.\n"), Error, "nothing in it");
});
