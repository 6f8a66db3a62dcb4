import { readFileSync } from "node:fs";
import path from "node:path";
import { errorCodes } from "@tapedeck/core";
import { contracts } from "@tapedeck/features/contracts";
import { expect, test } from "vitest";

const docs = path.resolve(import.meta.dirname, "../../../docs");

test("docs/errors.md lists every code with its status and title", () => {
  const text = readFileSync(path.join(docs, "errors.md"), "utf8");
  const rows = [...text.matchAll(/^\| `([\w.]+)` \| (\d{3}) \| (.+) \|$/gm)].map(
    ([, code, status, title]) => [code, Number(status), title],
  );
  expect(rows).toEqual(Object.entries(errorCodes).map(([code, { status, title }]) => [code, status, title]));
});

test("docs/api.md names every job type's address", () => {
  const text = readFileSync(path.join(docs, "api.md"), "utf8");
  for (const { path: address } of Object.values(contracts)) expect(text).toContain(`/api${address}`);
});
