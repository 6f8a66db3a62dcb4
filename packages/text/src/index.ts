export { createTermIndex } from "./termIndex.ts";
export type { TermIndex } from "./termIndex.ts";
export { queryTerms, stem, termsOf } from "./terms.ts";
export type { QueryTerms } from "./terms.ts";
