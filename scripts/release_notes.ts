// deno-lint-ignore-file no-console
/** `deno run -R scripts/release_notes.ts v1.2.3`: what CHANGELOG.md says of that version, if it is the version of deno.json. */
import manifest from "../deno.json" with { type: "json" };

/**
 * The text under the heading of the version, `## 1.2.3`, after which a date may stand.
 *
 * @throws {Error} If the tag is not that of `version`, or if the changelog has nothing to tell.
 */
export function releaseNotes(tag: string, version: string, changelog: string): string {
  if (tag !== `v${version}`) {
    throw new Error(`The tag is ${tag}, and the version in deno.json ${version}: expected v${version}`);
  }
  const sections = changelog.split(/^## /m).slice(1).map((text) => text.split(/\n([^]*)/));
  const [, notes = ""] = sections.find(([heading = ""]) => heading.split(/\s/)[0] === version) ?? [];
  if (notes.trim() === "") throw new Error(`CHANGELOG.md has no section "## ${version}", or nothing in it`);
  return notes.trim();
}

if (import.meta.main) {
  const changelog = await Deno.readTextFile(new URL("../CHANGELOG.md", import.meta.url));
  try {
    console.log(releaseNotes(Deno.args[0] ?? "", manifest.version, changelog));
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    Deno.exit(1);
  }
}
