import type { ChunkHit } from "@tapedeck/core";
import type { EvidenceItem } from "../evidence/contract.ts";

/** What a part of a found passage rests on; `start` and `end` count from the passage's first character. */
export function passageOf(
  hit: ChunkHit,
  { start, end, text }: { start: number; end: number; text: string },
): Extract<EvidenceItem, { kind: "passage" }> {
  return {
    kind: "passage",
    documentId: hit.documentId,
    version: hit.version,
    title: hit.title,
    section: hit.section,
    page: null,
    start: hit.start + start,
    end: hit.start + end,
    text,
  };
}
