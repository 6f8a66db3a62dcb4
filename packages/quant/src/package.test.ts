import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { build } from "vite";
import { describe, expect, test } from "vitest";

const src = import.meta.dirname;
const files = readdirSync(src, { recursive: true, encoding: "utf8" }).filter(
  (file) => file.endsWith(".ts") && !file.endsWith(".test.ts"),
);
/** What a reader of the package imports: the list of kernels, and each folder of plain functions. */
const entries = files.filter((file) => file === "index.ts" || file.endsWith("/index.ts"));

describe("the package on its own", () => {
  test("has no dependency", () => {
    const manifest = JSON.parse(readFileSync(path.join(src, "../package.json"), "utf8")) as object;
    expect(Object.keys(manifest).filter((key) => /dependencies/i.test(key))).toEqual([]);
  });

  test.each(files)("%s imports nothing from outside", (file) => {
    const text = readFileSync(path.join(src, file), "utf8");
    const imports = [...text.matchAll(/^(?:\}|import|export)[^"\n]* from "([^"\n]+)";$/gm)];
    const outside = imports.filter(([, name]) => !name!.startsWith("."));
    expect(outside.map(([, name]) => name)).toEqual([]);
    // a browser has none of these
    expect(text).not.toMatch(/\b(process|Buffer|require|__dirname)\b[.([]/);
  });

  test.each(entries)("%s is bundled for a browser into one file that runs", async (entry) => {
    const made = await build({
      configFile: false,
      logLevel: "silent",
      build: { write: false, target: "es2023", lib: { entry: path.join(src, entry), formats: ["es"] } },
    });
    const outputs = (Array.isArray(made) ? made : [made]).flatMap((one) =>
      "output" in one ? one.output : [],
    );
    expect(outputs).toHaveLength(1);
    const [chunk] = outputs;
    expect(chunk).toMatchObject({ type: "chunk", imports: [], dynamicImports: [] });
    const code = chunk!.type === "chunk" ? chunk!.code : "";
    const loaded = (await import(`data:text/javascript;base64,${btoa(code)}`)) as object;
    expect(Object.keys(loaded).toSorted()).toEqual(
      Object.keys((await import(path.join(src, entry))) as object).toSorted(),
    );
  });
});
