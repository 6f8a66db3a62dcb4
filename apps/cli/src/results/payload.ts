import type { Output } from "../output.ts";
import { table } from "../output.ts";

/** What is used of a JSON Schema (2020-12). */
interface Schema {
  $ref?: string;
  $defs?: Record<string, Schema>;
  title?: string;
  description?: string;
  type?: string;
  const?: unknown;
  enum?: readonly unknown[];
  default?: unknown;
  anyOf?: readonly Schema[];
  oneOf?: readonly Schema[];
  items?: Schema;
  properties?: Record<string, Schema>;
  required?: readonly string[];
}

/** The members of a payload, a table for each of its kinds. */
export function showPayload(schema: unknown, out: Output): void {
  const root = schema as Schema;
  const resolved = (one: Schema): Schema => {
    const name = one.$ref?.replace("#/$defs/", "");
    const target = name === undefined ? undefined : root.$defs?.[name];
    return target === undefined ? one : { ...resolved(target), ...one };
  };
  const top = resolved(root);
  for (const kind of top.oneOf ?? top.anyOf ?? [top]) {
    const { title, properties = {}, required = [] } = resolved(kind);
    if (title !== undefined) out.print(`${title}:`);
    const rows = Object.entries(properties).map(([name, member]) => {
      const one = resolved(member);
      const given = one.default === undefined ? "" : JSON.stringify(one.default);
      const need = required.includes(name) && one.default === undefined ? "required" : given;
      return [`  ${name}`, typeOf(one, resolved), need, one.description ?? ""];
    });
    out.print(table(["  member", "is", "default", ""], rows));
  }
}

function typeOf(schema: Schema, resolved: (one: Schema) => Schema): string {
  if (schema.const !== undefined) return JSON.stringify(schema.const);
  if (schema.enum !== undefined) return schema.enum.map(String).join(" | ");
  const choices = schema.oneOf ?? schema.anyOf;
  if (choices !== undefined) {
    const kinds = choices.map((choice) => {
      const one = resolved(choice);
      const kind = one.properties?.["kind"]?.const;
      return kind === undefined ? typeOf(one, resolved) : `{kind: ${JSON.stringify(kind)}}`;
    });
    return [...new Set(kinds)].join(" | ");
  }
  if (schema.type === "array")
    return `list of ${schema.items === undefined ? "any" : typeOf(resolved(schema.items), resolved)}`;
  return schema.type === "string" ? "text" : (schema.type ?? "any");
}
