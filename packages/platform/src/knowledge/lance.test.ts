import { spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import type { Embeddings } from "@tapedeck/core";
import { afterEach, expect, test } from "vitest";
import { knowledgeIndexContract } from "./index.contract.ts";
import { createLanceIndex } from "./lance.ts";
import { termsOf } from "@tapedeck/text";

const folders: string[] = [];
afterEach(async () => {
  for (const folder of folders.splice(0)) await rm(folder, { recursive: true, force: true });
});

async function folder(): Promise<string> {
  const dir = await mkdtemp(path.join(tmpdir(), "tapedeck-lance-"));
  folders.push(dir);
  return dir;
}

knowledgeIndexContract("LanceDB", async () => {
  const dir = await mkdtemp(path.join(tmpdir(), "tapedeck-lance-"));
  return {
    open: async () => createLanceIndex({ dir, now: Date.now }),
    destroy: () => rm(dir, { recursive: true, force: true }),
  };
});

/** Counts of terms, hashed into few places: enough for near words to lie near. */
const hashed: Embeddings = {
  name: "hashed-terms",
  dimensions: 32,
  embed: async (texts) =>
    texts.map((text) => {
      const vector = new Float32Array(32);
      vector[0] = 0.01;
      for (const term of termsOf(text)) {
        let hash = 7;
        for (const char of term) hash = (hash * 31 + char.charCodeAt(0)) % 31;
        vector[hash + 1]! += 1;
      }
      return vector;
    }),
};

test("vectors stand beside the words: both find, and another model asks for a rebuild", async () => {
  const dir = await folder();
  const index = createLanceIndex({ dir, now: Date.now, embeddings: hashed });
  const base = {
    version: 1,
    space: "shared",
    section: "What it is",
    topic: "risk",
    kind: "reference",
    company: null,
    period: null,
    start: 0,
    publishedMs: 0,
  };
  const texts = { drawdown: "The fall from a peak.", sharpe: "Return over deviation.", beta: "Slope." };
  await index.put(
    Object.entries(texts).map(([title, text]) => ({
      ...base,
      id: `${title}:1:0`,
      documentId: title,
      title,
      text,
      end: text.length,
    })),
  );
  const hits = await index.search({ text: "drawdown", limit: 3, spaces: ["shared"] });
  expect(hits[0]!.id).toBe("drawdown:1:0");
  // By words alone only one passage can be found.
  expect(hits).toHaveLength(3);
  const plain = createLanceIndex({ dir, now: Date.now });
  await expect(plain.search({ text: "drawdown", limit: 3, spaces: ["shared"] })).rejects.toMatchObject({
    code: "knowledge.unavailable",
    message: expect.stringContaining("rebuild"),
  });
  await plain.rebuild((async function* () {})());
  expect(await plain.count()).toBe(0);
  await index.close();
  await plain.close();
});

test("a writer killed at any moment leaves an index that reads and can be put to rights", async () => {
  const dir = await folder();
  const script = `
    const { createLanceIndex } = await import(${JSON.stringify(path.join(import.meta.dirname, "lance.ts"))});
    const index = createLanceIndex({ dir: ${JSON.stringify(dir)}, now: Date.now });
    const chunk = (d, v) => ({ id: d + ":" + v + ":0", documentId: d, version: v, space: "shared", title: d,
      section: "s", topic: "t", kind: "note", company: null, period: null, text: "words of " + d, start: 0, end: 9, publishedMs: 0 });
    for (let v = 1; ; v++) {
      await index.put([chunk("a", v), chunk("b", v)]);
      if (v % 3 === 0) await index.rebuild((async function* () { yield [chunk("a", v), chunk("b", v)]; })());
      if (v === 2) process.stdout.write("ready");
    }
  `;
  for (const waitMs of [20, 75, 160]) {
    const child = spawn(process.execPath, ["--input-type=module", "-e", script], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    await new Promise((resolve) => child.stdout.once("data", resolve));
    await new Promise((resolve) => setTimeout(resolve, waitMs));
    child.kill("SIGKILL");
    await new Promise((resolve) => child.once("exit", resolve));

    const index = createLanceIndex({ dir, now: Date.now });
    // Both documents in one version, never one without the other.
    const { unexpected } = await index.check([]);
    expect(unexpected).toHaveLength(2);
    expect(new Set(unexpected.map((id) => id.split(":")[1])).size).toBe(1);
    expect(await index.search({ text: "words", limit: 5, spaces: ["shared"] })).toHaveLength(2);
    await index.rebuild((async function* () {})());
    expect(await index.count()).toBe(0);
    await index.close();
    await rm(dir, { recursive: true, force: true });
  }
});
