import { AppError, checkInput, EpochMs } from "@tapedeck/core";
import { parse } from "yaml";
import * as z from "zod";
import type { FilingDescription } from "./contract.ts";

/** Reference documents say what words mean: true at any time, hence visible as of any time unless they say otherwise. */
const always = 0;

const Example = z.strictObject({
  /** File and function: `portfolio/kelly.kellyBinary`. */
  call: z.string().regex(/^[a-z]+\/[A-Za-z]+\.[A-Za-z]+$/),
  /** Arguments; a list is a series. */
  with: z.array(z.unknown()).min(1),
  /** The result as the text prints it, or the members of the result that it prints: `weights.2` is a member of a member. */
  gives: z.union([z.string(), z.record(z.string(), z.string())]),
});

const Arithmetic = z.strictObject({
  /** Of numbers alone, in the formula language. */
  formula: z.string().trim().min(1).max(500),
  /** Its value as the text prints it. */
  gives: z.string().regex(/^-?[\d,]+(\.\d+)?$/),
});

const FrontMatter = z.strictObject({
  title: z.string().trim().min(1).max(300),
  topic: z.string().trim().min(1).max(100),
  sources: z.array(z.string().trim().min(1).max(500)).min(1),
  /** Formulas that the text explains, in the formula language. */
  formulas: z.array(z.string().trim().min(1).max(2_000)).default([]),
  /** Worked numbers of the text, with the call of packages/quant that gives them. */
  examples: z.array(Example).default([]),
  /** Worked numbers of the text that are plain arithmetic. */
  arithmetic: z.array(Arithmetic).default([]),
  /** Measures of annual reports that the text defines, by name, with the definition that questions are answered by. */
  measures: z.record(z.string(), z.string()).default({}),
  /** When what it tells became known; for documents about events. */
  published: EpochMs.optional(),
});

export interface SourceDocument {
  title: string;
  topic: string;
  sources: string[];
  formulas: string[];
  publishedMs: number;
  text: string;
  filing?: FilingDescription | undefined;
}

/** A file of the knowledge base, with what its text is checked by. */
export interface SourceFile extends SourceDocument {
  examples: z.infer<typeof Example>[];
  arithmetic: z.infer<typeof Arithmetic>[];
  measures: Record<string, string>;
}

/** A file of the knowledge base: YAML front matter between `---` lines, then Markdown. Throws `data.invalid` with its path. */
export function parseDocument(path: string, file: string): SourceFile {
  const match = /^---\n([\s\S]*?)\n---\n+([\s\S]*)$/.exec(
    file.replaceAll("\r\n", "\n").replace(/^\uFEFF/, ""),
  );
  if (match === null) {
    throw new AppError(
      "data.invalid",
      `${path}: a document starts with front matter between two --- lines (title, topic, sources).`,
    );
  }
  let head: unknown;
  try {
    head = parse(match[1]!);
  } catch (error) {
    throw new AppError("data.invalid", `${path}: the front matter is not YAML.`, { cause: error });
  }
  const checked = checkInput(FrontMatter, head);
  if (!checked.ok) throw new AppError("data.invalid", `${path}: in the front matter, ${checked.message}`);
  const text = match[2]!.trimEnd();
  if (text === "") throw new AppError("data.invalid", `${path}: there is no text after the front matter.`);
  const { published, ...rest } = checked.value;
  return { ...rest, publishedMs: published ?? always, text };
}
