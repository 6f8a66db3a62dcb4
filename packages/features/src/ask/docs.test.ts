import { readFile } from "node:fs/promises";
import path from "node:path";
import { projectRoot } from "@tapedeck/testkit";
import { expect, test } from "vitest";
import { families } from "./families/index.ts";

test("docs/asking.md lists every kind of question with the examples that are tested", async () => {
  const text = await readFile(path.join(projectRoot, "docs/asking.md"), "utf8");
  const kinds = text.split(/^### /m).slice(1);
  expect(kinds.map((kind) => kind.slice(0, kind.indexOf("\n"))).toSorted()).toEqual(
    families.map((family) => family.name).toSorted(),
  );
  for (const family of families) {
    const kind = kinds.find((one) => one.startsWith(`${family.name}\n`))!;
    const examples = kind
      .split(/^## /m)[0]!
      .split("\n")
      .filter((line) => line.startsWith("- "))
      .map((line) => line.slice(2));
    expect(examples).toEqual(family.examples);
    if (family.examples.length > 0) expect(kind).toContain(`${family.about}.`);
  }
});
