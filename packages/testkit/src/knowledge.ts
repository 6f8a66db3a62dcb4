import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import type { Chunk, KnowledgeIndex } from "@tapedeck/core";
import { createLanceIndex } from "@tapedeck/platform/knowledge/lance";

/** A knowledge index in a folder of its own, with these passages; `close()` removes it. */
export async function testKnowledge(
  passages: readonly { title: string; section: string; text: string; publishedMs?: number; space?: string }[],
): Promise<{ index: KnowledgeIndex; chunks: Chunk[]; close: () => Promise<void> }> {
  const dir = await mkdtemp(path.join(tmpdir(), "tapedeck-knowledge-"));
  const index = createLanceIndex({ dir, now: () => 0 });
  const chunks = passages.map((passage, i) => ({
    id: `d${i}-1-0`,
    documentId: `d${i}`,
    version: 1,
    space: passage.space ?? "shared",
    title: passage.title,
    section: passage.section,
    topic: "test",
    kind: "note",
    company: null,
    period: null,
    text: passage.text,
    start: 0,
    end: passage.text.length,
    publishedMs: passage.publishedMs ?? 0,
  }));
  if (chunks.length > 0) await index.put(chunks);
  return {
    index,
    chunks,
    close: async () => {
      await index.close();
      await rm(dir, { recursive: true, force: true });
    },
  };
}
