import type { Filing, FilingForm, FilingPage } from "@tapedeck/text/filings/index";
import { readLines } from "./files.ts";
import { mean } from "./measure.ts";
import type { Measure } from "./measure.ts";

interface Document {
  doc_name: string;
  company: string;
  doc_type: string;
  doc_period: number | null;
}
interface PageLine {
  _id: string;
  doc: string;
  page: number;
  text: string;
}
export interface Question {
  question: string;
  answer: string;
  doc_name: string;
  evidence: { doc_name: string; evidence_page_num: number }[];
}

const forms: Record<string, FilingForm> = { "10k": "10-K", "10q": "10-Q", "8k": "8-K", earnings: "earnings" };

/** Quarter and day stand in the file's name. */
function filingOf({ doc_name, company, doc_type, doc_period }: Document): Filing {
  return {
    id: doc_name,
    company,
    form: forms[doc_type.toLowerCase()] ?? "other",
    year: doc_period,
    quarter: Number(/Q([1-4])_/.exec(doc_name)?.[1]) || null,
    day: /\d{4}-\d\d-\d\d/.exec(doc_name)?.[0] ?? null,
  };
}

/** The pages of the store, as `documents` and `pages` describe them. */
export function readPages(documents: string, pages: string): FilingPage[] {
  const filings = new Map(readLines<Document>(documents).map((one) => [one.doc_name, filingOf(one)]));
  return readLines<PageLine>(pages).map(({ _id, doc, page, text }) => ({
    id: _id,
    filing: filings.get(doc)!,
    page,
    text,
  }));
}

/** Searches of each question that are timed, so that a hundredth of them are some. */
const rounds = 5;
/** Pages that a search is asked for. */
const wanted = 10;

function discounted(found: readonly boolean[]): number {
  return found.reduce((sum, hit, place) => sum + (hit ? 1 / Math.log2(place + 2) : 0), 0);
}

/** Gives the ids of pages and their filings, best first. */
type PageSearch = (question: string, limit: number) => Promise<readonly { page: string; filing: string }[]>;

/** How well `search` finds the pages that answer. */
export async function judgeRetrieval(
  set: string,
  questions: readonly Question[],
  search: PageSearch,
): Promise<Measure[]> {
  const n = questions.length;
  const recalls: number[] = [];
  const gains: number[] = [];
  let firstDocuments = 0;
  for (const { question, evidence, doc_name } of questions) {
    const gold = new Set(evidence.map((one) => `${one.doc_name}#p${one.evidence_page_num}`));
    const hits = await search(question, wanted);
    const found = hits.map(({ page }) => gold.has(page));
    recalls.push(found.slice(0, 5).filter(Boolean).length / gold.size);
    const ideal = Array.from({ length: Math.min(wanted, gold.size) }, () => true);
    gains.push(discounted(found) / discounted(ideal));
    if (hits[0]?.filing === doc_name) firstDocuments++;
  }
  return [
    { set, metric: "recall@5", value: mean(recalls), n, aim: "≥ 0.75" },
    { set, metric: "ndcg@10", value: mean(gains), n, aim: "≥ 0.65" },
    { set, metric: "document@1", value: firstDocuments / n, n, count: firstDocuments, aim: "≥ 0.92" },
  ];
}

/** How well and how fast `search` finds the pages that answer. */
export async function measureRetrieval(
  set: string,
  questions: readonly Question[],
  search: PageSearch,
): Promise<Measure[]> {
  const judged = await judgeRetrieval(set, questions, search);
  const times: number[] = [];
  for (let round = 0; round < rounds; round++) {
    for (const { question } of questions) {
      const before = performance.now();
      await search(question, wanted);
      times.push(performance.now() - before);
    }
  }
  times.sort((one, other) => one - other);
  const quantile = (share: number) => times[Math.ceil(times.length * share) - 1] ?? 0;
  return [
    ...judged,
    { set, metric: "latency_p50_ms", value: quantile(0.5), n: times.length, aim: "≤ 15" },
    { set, metric: "latency_p99_ms", value: quantile(0.99), n: times.length, aim: "≤ 50" },
  ];
}
