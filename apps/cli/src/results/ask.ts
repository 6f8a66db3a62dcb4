import type { ResultOf } from "@tapedeck/core";
import type { ask } from "@tapedeck/features/ask/contract";
import type { Output } from "../output.ts";

type Answer = ResultOf<typeof ask>;

/** An answer as text: its sentences, then what each marker leads to, or why there is none and what to do. */
export function showAnswer(answer: Answer, out: Output): void {
  const { bold, dim, cyan } = out.style;
  if (answer.notice !== null) out.print(dim(answer.notice));
  for (const sentence of answer.sentences) out.print(bold(sentence.text));
  if (answer.message !== null) out.print(bold(answer.message));
  for (const citation of answer.citations) {
    out.print(dim(`[${citation.number}] ${citation.label} · evidence ${citation.evidenceId}`));
  }
  for (const missing of answer.missing)
    out.print(`${dim(`to get ${missing.what}:`)} ${cyan(missing.command)}`);
  if (answer.suggestions.length > 0) {
    out.print(dim(answer.status === "clarify" ? "Did you mean:" : "What can be asked:"));
    for (const suggestion of answer.suggestions) out.print(`  ${suggestion}`);
  }
}
