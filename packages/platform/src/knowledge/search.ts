import type { ChunkHit, ChunkQuery, Embeddings } from "@tapedeck/core";
import { queryTerms } from "@tapedeck/text";
import { filingCandidates, orderFilings, readFilingSearch, seatFilings } from "./filings.ts";
import { candidatesFor, fuse, rank } from "./rank.ts";
import type { Candidate } from "./rank.ts";

/** What a backend finds by itself, within the filters of the query. */
export interface Retrieval {
  byTerms(terms: readonly string[], query: ChunkQuery, limit: number): Promise<Candidate[]>;
  /** Asked only where there are embeddings. */
  byVector(vector: Float32Array, query: ChunkQuery, limit: number): Promise<Candidate[]>;
}

/**
 * The search of every backend: BM25 by the question's terms, fused with vectors where there are embeddings, ordered anew
 * (rank.ts); passages of filings of a company that the question names are searched once more as filings (filings.ts).
 */
export async function searchPassages(
  query: ChunkQuery,
  retrieval: Retrieval,
  embeddings: Embeddings | undefined,
): Promise<ChunkHit[]> {
  const terms = queryTerms(query.text).all;
  if (query.spaces.length === 0 || terms.length === 0) return [];
  if (query.documentIds?.length === 0 || query.kinds?.length === 0) return [];
  const limit = candidatesFor(query.limit);
  const [vector] = (await embeddings?.embed([query.text])) ?? [];
  const [byTerms, byVector] = await Promise.all([
    retrieval.byTerms(terms, query, limit),
    vector === undefined ? undefined : retrieval.byVector(vector, query, limit),
  ]);
  const candidates = byVector === undefined ? byTerms : fuse([byTerms, byVector]);
  const asked = readFilingSearch(query, candidates);
  if (asked === undefined) return rank(query.text, candidates, query.limit);
  const ofFilings = orderFilings(await filingCandidates(query, asked, retrieval), asked);
  const best = rank(query.text, ofFilings.slice(0, query.limit), query.limit);
  return seatFilings(rank(query.text, candidates, candidates.length), best, ofFilings).slice(0, query.limit);
}
