import type { ResultOf } from "@tapedeck/core";
import type { ask } from "@tapedeck/features/ask/contract";
import type { JobView } from "@tapedeck/features/jobs/contract";
import type { Output } from "./output.ts";

type Answer = ResultOf<typeof ask>;

/** An answer as text: its sentences, then what each marker leads to, or why there is none and what to do. */
export function showAnswer(answer: Answer, out: Output, indent = ""): void {
  const { bold, dim, cyan } = out.style;
  if (answer.notice !== null) out.print(`${indent}${dim(answer.notice)}`);
  for (const sentence of answer.sentences) out.print(`${indent}${bold(sentence.text)}`);
  if (answer.message !== null) out.print(`${indent}${bold(answer.message)}`);
  for (const citation of answer.citations) {
    out.print(`${indent}${dim(`[${citation.number}] ${citation.label} · evidence ${citation.evidenceId}`)}`);
  }
  for (const missing of answer.missing)
    out.print(`${indent}${dim(`to get ${missing.what}:`)} ${cyan(missing.command)}`);
  if (answer.suggestions.length > 0) {
    out.print(`${indent}${dim(answer.status === "clarify" ? "Did you mean:" : "What can be asked:")}`);
    for (const suggestion of answer.suggestions) out.print(`${indent}  ${suggestion}`);
  }
}

export function showJobError(job: JobView, out: Output): void {
  if (job.error === null) return;
  out.note(`${out.style.red(job.error.code)}: ${job.error.message}`);
  if (job.error.details !== undefined) out.note(JSON.stringify(job.error.details, null, 2));
}
