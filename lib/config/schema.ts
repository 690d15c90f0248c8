import { type Field, isRequired } from "./field.ts";
import { allFields } from "./fields.ts";
import type { JsonSchema } from "./values.ts";

/**
 * JSON Schema (draft 2020-12) of a configuration file, for editors. It takes whatever the parsers take that is written as the
 * documentation says; what only parsers can know, such as whether a secret is whole, it lets pass. No key is required, because the
 * environment may give it.
 */
export function configSchema(): JsonSchema {
  const properties = new Map<string, Tree>();
  for (const field of allFields) plant(properties, field.key.split("."), schemaOf(field));
  return {
    $schema: "https://json-schema.org/draft/2020-12/schema",
    title: "Configuration of mtg, a proxy for Telegram",
    ...grown(properties),
  };
}

type Tree = { readonly leaf: JsonSchema } | { readonly branch: Map<string, Tree> };

function plant(tree: Map<string, Tree>, [step = "", ...rest]: readonly string[], leaf: JsonSchema): void {
  if (rest.length === 0) {
    tree.set(step, { leaf });
    return;
  }
  const inner = tree.get(step) ?? { branch: new Map() };
  tree.set(step, inner);
  if ("branch" in inner) plant(inner.branch, rest, leaf);
}

function grown(tree: ReadonlyMap<string, Tree>): JsonSchema {
  const properties = [...tree].map(([name, part]) => [name, "leaf" in part ? part.leaf : grown(part.branch)]);
  return { type: "object", properties: Object.fromEntries(properties), additionalProperties: false };
}

function schemaOf(field: Field<unknown>): JsonSchema {
  const { schema, docs: description } = field;
  const { anyOf = [schema] } = schema;
  // An empty text stands for a key that is left out.
  const canBeEmpty = field.shape === "value" && !isRequired(field);
  return {
    description,
    ...field.kind === "deprecated" ? { deprecated: true } : {},
    ...field.default === undefined ? {} : { default: field.default },
    ...field.default === undefined && !field.confidential ? { examples: [field.sample] } : {},
    ...canBeEmpty ? { anyOf: [...anyOf, { const: "" }] } : schema,
  };
}
