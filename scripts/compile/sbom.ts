/** What is inside a program, as CycloneDX 1.6 (https://cyclonedx.org/docs/1.6/json/), for whoever has to know. */
import type { Bundle } from "./bundle.ts";

export interface Component {
  readonly type: "application" | "library" | "platform";
  readonly "bom-ref": string;
  readonly name: string;
  readonly version: string;
  readonly purl?: string;
  readonly cpe?: string;
  readonly licenses?: readonly { readonly license: { readonly id: string } }[];
  readonly hashes?: readonly { readonly alg: "SHA-512"; readonly content: string }[];
}

/** By `qrcode@1.5.4`; dependencies have no version where there is but one of them. */
interface Lock {
  readonly npm: Readonly<Record<string, { readonly integrity: string; readonly dependencies?: readonly string[] }>>;
}

/** What of a bundle matters here. */
export type Contents = Pick<Bundle, "version" | "commit" | "packages" | "direct">;

const root = new URL("../../", import.meta.url);

/** `deno` is the version of the runtime, `deno 2.9.6`. */
export async function bomOf(program: Contents, deno: string): Promise<Readonly<Record<string, unknown>>> {
  const lock: Lock = JSON.parse(await Deno.readTextFile(new URL("deno.lock", root)));
  const libraries = await Promise.all([...program.packages].sort().map((id) => libraryOf(id, lock)));
  const { version, commit } = program;
  const own: Component = {
    type: "application",
    "bom-ref": `mtg@${version}`,
    name: "mtg",
    version: commit === undefined ? version : `${version}+${commit}`,
    licenses: [{ license: { id: "MIT" } }],
  };
  const denoVersion = deno.replace(/^deno /, "");
  const runtime: Component = {
    type: "platform",
    "bom-ref": "deno",
    name: "deno",
    version: denoVersion,
    purl: `pkg:github/denoland/deno@v${denoVersion}`,
    cpe: `cpe:2.3:a:deno:deno:${denoVersion}:*:*:*:*:*:*:*`,
    licenses: [{ license: { id: "MIT" } }],
  };
  const refs = (ids: Iterable<string>) => [...program.packages].filter((id) => isAmong(id, ids)).sort().map(purlOf);
  const needs = [...program.packages].sort().map((id) => {
    return { ref: purlOf(id), dependsOn: refs(lock.npm[id]?.dependencies ?? []) };
  });
  return {
    bomFormat: "CycloneDX",
    specVersion: "1.6",
    version: 1,
    metadata: { component: own },
    components: [runtime, ...libraries],
    dependencies: [{ ref: own["bom-ref"], dependsOn: [runtime["bom-ref"], ...refs(program.direct)] }, ...needs],
  };
}

/** Whether the package `id` is one of `wanted`, which may leave the version out. */
function isAmong(id: string, wanted: Iterable<string>): boolean {
  const name = id.slice(0, id.lastIndexOf("@"));
  return [...wanted].some((each) => each === id || each === name);
}

function purlOf(id: string): string {
  return `pkg:npm/${id.replace(/^@/, "%40")}`;
}

/** @throws {Error} If deno.lock does not know it: then what is inside is not what was reviewed. */
async function libraryOf(id: string, lock: Lock): Promise<Component> {
  const integrity = lock.npm[id]?.integrity;
  if (integrity === undefined) throw new Error(`${id} is in the bundle, but not in deno.lock`);
  const at = id.lastIndexOf("@");
  const [name, version] = [id.slice(0, at), id.slice(at + 1)];
  const licence = await licenceOf(id, name);
  const purl = purlOf(id);
  return {
    type: "library",
    "bom-ref": purl,
    name,
    version,
    purl,
    ...(licence === undefined ? {} : { licenses: [{ license: { id: licence } }] }),
    hashes: [{ alg: "SHA-512", content: Uint8Array.fromBase64(integrity.replace(/^sha512-/, "")).toHex() }],
  };
}

/** As the package itself says; `undefined` if it is not unpacked here. */
async function licenceOf(id: string, name: string): Promise<string | undefined> {
  const path = `node_modules/.deno/${id.replace("/", "+")}/node_modules/${name}/package.json`;
  try {
    const { license }: { readonly license?: unknown } = JSON.parse(await Deno.readTextFile(new URL(path, root)));
    return typeof license === "string" ? license : undefined;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}
