import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import type { Chunk, KnowledgeIndex } from "@tapedeck/core";
import { passagesOf } from "@tapedeck/features/knowledge/chunk";
import { pageBreak } from "@tapedeck/features/knowledge/contract";
import { createLanceIndex } from "@tapedeck/platform/knowledge/lance";
import { createWeaviateIndex } from "@tapedeck/platform/knowledge/weaviate";
import type { FilingPage } from "@tapedeck/text/filings/index";
import { readLines } from "./files.ts";
import { financebench } from "./financebench.ts";
import type { EvalSet } from "./measure.ts";
import { measureRetrieval, readPages } from "./retrieval.ts";
import type { Question } from "./retrieval.ts";

/** A filing's pages as one document's text, cut into passages as the knowledge base cuts it. */
function chunksOf(pages: readonly FilingPage[]): Chunk[] {
  const { id, company, form, year, quarter } = pages[0]!.filing;
  const period = `${form} ${year}${quarter === null ? "" : ` Q${quarter}`}`;
  const text = pages.map((page) => page.text.replaceAll(pageBreak, " ")).join(pageBreak);
  return passagesOf(text).map(({ section, start, end }, ordinal) => ({
    id: `${id}:1:${ordinal}`,
    documentId: id,
    version: 1,
    space: "shared",
    title: `${company} ${period}`,
    section,
    topic: "filings",
    kind: "filing",
    company,
    period,
    text: text.slice(start, end),
    start,
    end,
    publishedMs: 0,
  }));
}

/** Searches of the knowledge index, as `GET /api/knowledge/search` makes them: passages, each counted as its page. */
function indexed(
  name: string,
  open: (dir: string) => KnowledgeIndex,
  needs: readonly string[] = [],
): EvalSet {
  return {
    name,
    files: financebench.files,
    needs,
    async run([documentFile, pageFile, questionFile]) {
      const pages = readPages(documentFile!, pageFile!);
      const filings = Map.groupBy(pages, ({ filing }) => filing.id);
      for (const own of filings.values()) own.sort((one, other) => one.page - other.page);
      const dir = await mkdtemp(path.join(tmpdir(), "tapedeck-eval-"));
      const index = open(dir);
      try {
        const started = performance.now();
        await index.rebuild(
          (async function* () {
            for (const own of filings.values()) yield chunksOf(own);
          })(),
        );
        const indexSeconds = (performance.now() - started) / 1000;
        const measures = await measureRetrieval(
          name,
          readLines<Question>(questionFile!),
          async (text, limit) => {
            const hits = await index.search({ text, limit, spaces: ["shared"] });
            return hits.map(({ documentId, section }) => ({
              // A document of one page has no sections by page.
              page: filings.get(documentId)![Number(/^Page (\d+)$/.exec(section)?.[1] ?? 1) - 1]!.id,
              filing: documentId,
            }));
          },
        );
        return [
          ...measures,
          { set: name, metric: "index_pages_per_s", value: pages.length / indexSeconds, n: pages.length },
        ];
      } finally {
        await index.close();
        await rm(dir, { recursive: true, force: true });
      }
    },
  };
}

export const financebenchLance = indexed("financebench_lancedb", (dir) =>
  createLanceIndex({ dir, now: Date.now }),
);

/** On a server of its own: `bash scripts/weaviate.sh npm run eval -- financebench_weaviate`. */
export const financebenchWeaviate = indexed(
  "financebench_weaviate",
  () => createWeaviateIndex({ url: process.env["WEAVIATE_URL"]!, prefix: "TapedeckEval" }),
  ["WEAVIATE_URL"],
);
