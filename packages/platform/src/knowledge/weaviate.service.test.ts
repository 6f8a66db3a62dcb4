import { randomBytes } from "node:crypto";
import type { Chunk, Embeddings } from "@tapedeck/core";
import { expect, test } from "vitest";
import { knowledgeIndexContract } from "./index.contract.ts";
import { termsOf } from "@tapedeck/text";
import { createWeaviateIndex } from "./weaviate.ts";

const url = process.env["WEAVIATE_URL"];
if (url === undefined) throw new Error("run this by: bash scripts/weaviate.sh COMMAND...");

const prefix = () => `Test${randomBytes(6).toString("hex")}`;

knowledgeIndexContract("Weaviate", async () => {
  const name = prefix();
  return {
    open: async () => createWeaviateIndex({ url, prefix: name }),
    destroy: async () => undefined,
  };
});

const chunk = (title: string, text: string): Chunk => ({
  id: `${title}:1:0`,
  documentId: title,
  version: 1,
  space: "shared",
  title,
  section: "What it is",
  topic: "risk",
  kind: "reference",
  company: null,
  period: null,
  text,
  start: 0,
  end: text.length,
  publishedMs: 0,
});
/** Counts of terms, hashed into few places. */
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

test("passages without a vector that is found are told", async () => {
  const name = prefix();
  const chunks = ["drawdown", "sharpe", "beta"].map((title) => chunk(title, `All about ${title}.`));
  const index = createWeaviateIndex({ url, prefix: name, embeddings: hashed });
  await index.put(chunks);
  expect(await index.findLost()).toEqual([]);
  // One that a provider of broken vectors wrote: the server takes it and says nothing.
  const broken = createWeaviateIndex({
    url,
    prefix: name,
    embeddings: { ...hashed, embed: async (texts) => texts.map(() => new Float32Array()) },
  });
  await broken.put([chunks[1]!]);
  expect(await index.findLost()).toEqual([chunks[1]!.id]);
  await index.removeDocument("sharpe");
  await index.put([chunks[1]!]);
  expect(await index.findLost()).toEqual([]);
  await index.close();
  await broken.close();
});

test("vectors stand beside the words, and another model has an index of its own", async () => {
  const name = prefix();
  const index = createWeaviateIndex({ url, prefix: name, embeddings: hashed });
  const plain = createWeaviateIndex({ url, prefix: name });
  await index.rebuild(
    (async function* () {
      yield [
        chunk("drawdown", "The fall from a peak."),
        chunk("sharpe", "Return over deviation."),
        chunk("beta", "Slope."),
      ];
    })(),
  );
  const hits = await index.search({ text: "drawdown", limit: 3, spaces: ["shared"] });
  expect(hits[0]!.id).toBe("drawdown:1:0");
  // By words alone only one passage can be found.
  expect(hits).toHaveLength(3);
  await expect(plain.search({ text: "drawdown", limit: 3, spaces: ["shared"] })).rejects.toMatchObject({
    code: "knowledge.unavailable",
    message: expect.stringContaining("rebuild"),
  });
  await index.close();
  await plain.close();
});
