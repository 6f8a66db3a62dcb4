/**
 * Would vectors learnt from the indexed corpus itself raise what is found? Latent semantic analysis (Deerwester and others 1990)
 * of the pages of FinanceBench, beside the search as it is and alone:
 *
 *     node scripts/eval/lsa.ts [--data DIR]
 *
 * TF-IDF of the terms of terms.ts; the leading right singular vectors by power iterations on a random block (Halko,
 * Martinsson and Tropp 2011); pages and questions are compared by the cosine of their projections. Prints recall@5 and nDCG@10.
 */
import path from "node:path";
import { parseArgs } from "node:util";
import { seededRandom } from "@tapedeck/core/random";
import { termsOf } from "@tapedeck/text";
import {
  createCompanyFinder,
  createFilingSearch,
  filingFit,
  readFilingQuestion,
} from "@tapedeck/text/filings/index";
import type { FilingPage } from "@tapedeck/text/filings/index";
import { findFile, readLines } from "./files.ts";
import { financebench } from "./financebench.ts";
import { judgeRetrieval, readPages } from "./retrieval.ts";
import type { Question } from "./retrieval.ts";

const dimensions = [64, 128, 256];
const weights = [0.1, 0.2, 0.5, 1, 2];
const iterations = 4;
/** Terms of fewer pages tell nothing of others, terms of more nothing of any. */
const [fewestPages, mostShare] = [3, 0.3];
/** Of reciprocal rank fusion. */
const fusionRank = 60;

/** Rows of a sparse matrix, one after the other: row i is `columns` and `values` from starts[i] to starts[i + 1]. */
interface Sparse {
  starts: Int32Array;
  columns: Int32Array;
  values: Float64Array;
}

interface Vocabulary {
  places: ReadonlyMap<string, number>;
  idf: Float64Array;
}

function vocabularyOf(pages: readonly (readonly string[])[]): Vocabulary {
  const counts = new Map<string, number>();
  for (const terms of pages) for (const term of new Set(terms)) counts.set(term, (counts.get(term) ?? 0) + 1);
  const kept = [...counts].filter(([, n]) => n >= fewestPages && n <= mostShare * pages.length);
  return {
    places: new Map(kept.map(([term], at) => [term, at])),
    idf: Float64Array.from(kept, ([, n]) => Math.log(pages.length / n)),
  };
}

/** Weights of a text's terms, (1 + ln count) × idf × the term's own weight, of length 1. */
function tfIdf(terms: Iterable<readonly [string, number]>, { places, idf }: Vocabulary): [number, number][] {
  const counted = new Map<number, [count: number, weight: number]>();
  for (const [term, weight] of terms) {
    const at = places.get(term);
    if (at === undefined) continue;
    counted.set(at, [(counted.get(at)?.[0] ?? 0) + 1, weight]);
  }
  const row = [...counted].map(([at, [count, weight]]): [number, number] => [
    at,
    weight * (1 + Math.log(count)) * idf[at]!,
  ]);
  const length = Math.hypot(...row.map(([, value]) => value)) || 1;
  return row.map(([at, value]) => [at, value / length]);
}

function sparseOf(rows: readonly (readonly [number, number][])[]): Sparse {
  const starts = new Int32Array(rows.length + 1);
  for (const [i, row] of rows.entries()) starts[i + 1] = starts[i]! + row.length;
  return {
    starts,
    columns: Int32Array.from(rows.flat(), ([column]) => column),
    values: Float64Array.from(rows.flat(), ([, value]) => value),
  };
}

/** [rows, k] = matrix × [columns, k]. */
function times({ starts, columns, values }: Sparse, block: Float64Array, k: number): Float64Array {
  const rows = starts.length - 1;
  const out = new Float64Array(rows * k);
  for (let i = 0; i < rows; i++) {
    for (let at = starts[i]!; at < starts[i + 1]!; at++) {
      const [value, from] = [values[at]!, columns[at]! * k];
      for (let j = 0; j < k; j++) out[i * k + j]! += value * block[from + j]!;
    }
  }
  return out;
}

/** [columns, k] = matrix transposed × [rows, k]. */
function timesTransposed(
  { starts, columns, values }: Sparse,
  block: Float64Array,
  k: number,
  width: number,
): Float64Array {
  const out = new Float64Array(width * k);
  for (let i = 0; i + 1 < starts.length; i++) {
    for (let at = starts[i]!; at < starts[i + 1]!; at++) {
      const [value, to] = [values[at]!, columns[at]! * k];
      for (let j = 0; j < k; j++) out[to + j]! += value * block[i * k + j]!;
    }
  }
  return out;
}

/** Makes the k columns of a block orthonormal, in place: modified Gram-Schmidt on columns laid one after the other. */
function orthonormalise(block: Float64Array, k: number): void {
  const rows = block.length / k;
  const columns = Array.from({ length: k }, (_, j) =>
    Float64Array.from({ length: rows }, (__, i) => block[i * k + j]!),
  );
  for (const [j, column] of columns.entries()) {
    for (const earlier of columns.slice(0, j)) {
      let dot = 0;
      for (let i = 0; i < rows; i++) dot += earlier[i]! * column[i]!;
      for (let i = 0; i < rows; i++) column[i]! -= dot * earlier[i]!;
    }
    let square = 0;
    for (let i = 0; i < rows; i++) square += column[i]! * column[i]!;
    const length = Math.sqrt(square) || 1;
    for (let i = 0; i < rows; i++) block[i * k + j] = column[i]! / length;
    for (let i = 0; i < rows; i++) column[i]! /= length;
  }
}

/** [terms, k]: an orthonormal basis of what the k leading right singular vectors span. */
function leadingTerms(matrix: Sparse, width: number, k: number): Float64Array {
  const random = seededRandom(1, `lsa ${k}`);
  let basis: Float64Array = Float64Array.from({ length: width * k }, () => random() - 0.5);
  for (let round = 0; round < iterations; round++) {
    basis = timesTransposed(matrix, times(matrix, basis, k), k, width);
    orthonormalise(basis, k);
  }
  return basis;
}

/** Rows of [n, k] made of length 1, in place. */
function normalise(block: Float64Array, k: number): Float64Array {
  for (let from = 0; from < block.length; from += k) {
    const row = block.subarray(from, from + k);
    const length = Math.hypot(...row) || 1;
    for (let j = 0; j < k; j++) row[j]! /= length;
  }
  return block;
}

/** The larger, the better; equal ones by place. */
function order(scores: Float64Array): Int32Array {
  return Int32Array.from(scores.keys()).sort((one, other) => scores[other]! - scores[one]! || one - other);
}

function fused(...lists: Float64Array[]): Float64Array {
  const out = new Float64Array(lists[0]!.length);
  for (const list of lists)
    for (const [rank, at] of order(list).entries()) out[at]! += 1 / (fusionRank + rank + 1);
  return out;
}

const { values } = parseArgs({ options: { data: { type: "string" } } });
const dir = path.resolve(values.data ?? process.env["EVAL_DIR"] ?? "../shared/eval");
const [documents, pageFile, questionFile] = financebench.files.map(([folder, name]) => {
  const file = findFile(path.join(dir, folder), name);
  if (file === undefined) throw new Error(`There is no ${folder} in ${dir}.`);
  return file;
});
const pages: FilingPage[] = readPages(documents!, pageFile!);
const places = new Map(pages.map(({ id }, at) => [id, at]));
const questions = readLines<Question>(questionFile!);
const termsOfPages = pages.map(({ text }) => termsOf(text));
const vocabulary = vocabularyOf(termsOfPages);
const matrix = sparseOf(
  termsOfPages.map((terms) =>
    tfIdf(
      terms.map((term) => [term, 1]),
      vocabulary,
    ),
  ),
);
const companies = createCompanyFinder(pages.map(({ filing }) => filing.company));
const { search } = createFilingSearch(pages);

/** By question: the scores of the search as it is as shares of the best, and how well each page's filing fits. */
const known = new Map(
  questions.map(({ question }) => {
    const named = companies(question).map(({ company }) => company);
    const asked = readFilingQuestion(question, named);
    const hits = search(question, pages.length);
    const scores = new Float64Array(pages.length);
    for (const { page, score } of hits) scores[places.get(page.id)!] = score / hits[0]!.score;
    const fits = Float64Array.from(pages, ({ filing }) => filingFit(filing, asked.request));
    return [question, { asked, scores, fits }];
  }),
);

async function row(ranking: string, score: (question: string) => Float64Array): Promise<void> {
  const measures = await judgeRetrieval("lsa", questions, async (question, limit) =>
    [...order(score(question)).subarray(0, limit)].map((at) => ({
      page: pages[at]!.id,
      filing: pages[at]!.filing.id,
    })),
  );
  const [recall, gain] = measures.map(({ value }) => value.toFixed(3));
  console.log(`| ${ranking} | ${recall} | ${gain} |`);
}

console.log("| ranking | recall@5 | nDCG@10 |\n|---|---|---|");
await row("as it is, no vectors", (question) => known.get(question)!.scores);
for (const k of dimensions) {
  const basis = leadingTerms(matrix, vocabulary.idf.length, k);
  const pageVectors = normalise(times(matrix, basis, k), k);
  for (const withFilers of [false, true]) {
    const cosines = new Map(
      questions.map(({ question }) => {
        const { asked, fits } = known.get(question)!;
        const terms = withFilers ? [...asked.terms] : [...asked.terms].filter(([, weight]) => weight === 1);
        const vector = normalise(times(sparseOf([tfIdf(terms, vocabulary)]), basis, k), k);
        const own = fits.map((fit, at) => {
          let cosine = 0;
          for (let j = 0; j < k; j++) cosine += pageVectors[at * k + j]! * vector[j]!;
          return fit * cosine;
        });
        return [question, own];
      }),
    );
    const name = `${k} dimensions, ${withFilers ? "with" : "without"} the filers' words`;
    for (const weight of weights) {
      await row(`${name}: cosines added × ${weight}`, (question) => {
        const own = cosines.get(question)!;
        return known.get(question)!.scores.map((score, at) => score + weight * own[at]!);
      });
    }
    await row(`${name}: fused by rank`, (question) =>
      fused(known.get(question)!.scores, cosines.get(question)!),
    );
    await row(`${name}: cosines alone, within the filings that fit`, (question) => cosines.get(question)!);
  }
}
