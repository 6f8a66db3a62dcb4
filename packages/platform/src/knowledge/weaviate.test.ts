import { expect, test } from "vitest";
import { createWeaviateIndex } from "./weaviate.ts";

test("a server that is not there is said to be so, soon", async () => {
  const index = createWeaviateIndex({ url: "http://127.0.0.1:9", grpcPort: 9 });
  const started = performance.now();
  await expect(index.count()).rejects.toMatchObject({ code: "knowledge.unavailable", retryable: true });
  expect(performance.now() - started).toBeLessThan(20_000);
  await index.close();
});
