import { judgeAnswerable } from "@tapedeck/text/answerable";
import { readLines } from "./files.ts";
import { auroc } from "./measure.ts";
import type { EvalSet } from "./measure.ts";

interface Task {
  contexts: { title?: string; text: string }[];
  input: { text: string }[];
  answerability: string[];
}

/** Conversations with the passages found; the last turn is to be answered, or not. A partial answer is an answer. */
export const mtragUn: EvalSet = {
  name: "mtrag_un",
  files: [["mtrag_un", /^reference.*\.jsonl/]],
  async run([file]) {
    const judged = readLines<Task>(file!).map(({ contexts, input, answerability }) => {
      const turns = input.map(({ text }) => text);
      const { verdict, confidence } = judgeAnswerable(
        turns.at(-1)!,
        turns.slice(0, -1),
        contexts.map(({ title, text }) => ({ title: title ?? "", text })),
      );
      const answerable = answerability.some((one) => one === "ANSWERABLE" || one === "PARTIAL");
      return { answerable, answered: verdict === "answerable", confidence };
    });
    const can = judged.filter(({ answerable }) => answerable);
    const cannot = judged.filter(({ answerable }) => !answerable);
    const answeredRight = can.filter(({ answered }) => answered).length / can.length;
    const heldBack = cannot.filter(({ answered }) => !answered).length / cannot.length;
    const set = "mtrag_un";
    const n = judged.length;
    return [
      { set, metric: "balanced_accuracy", value: (answeredRight + heldBack) / 2, n, aim: "≥ 0.72" },
      { set, metric: "answerable_recall", value: answeredRight, n: can.length },
      { set, metric: "abstention_recall", value: heldBack, n: cannot.length },
      {
        set,
        metric: "auroc",
        value: auroc(
          can.map(({ confidence }) => confidence),
          cannot.map(({ confidence }) => confidence),
        ),
        n,
      },
    ];
  },
};
