/** What of a citation can be found again in the sentence that it backs. */
export interface Operand {
  number: number;
  evidenceId: string;
  value?: number | undefined;
  excerpt?: string | undefined;
}

export type Piece =
  | { kind: "text"; text: string }
  /** `[2]`. */
  | { kind: "mark"; text: string; evidenceId: string }
  /** A number that one of the sentence's citations holds. */
  | { kind: "operand"; text: string; evidenceId: string; mark: number };

const tokens = /(\[\d+\]|[-−]?\d[\d,]*(?:\.\d+)?(?:\s?%|\s(?:thousand|million|billion)\b)?)/;

/** What tables may be stated in. */
const tableScales = [1, 1e3, 1e6, 1e9];
const scaleOf: Readonly<Record<string, number>> = { thousand: 1e3, million: 1e6, billion: 1e9 };

const leastScaledDigits = 3;

/** Is a value what is written, as itself, in percent, in thousands or in millions, to half a unit of its last digit? */
function isWritten(text: string, value: number): boolean {
  const digits = text.replaceAll(/[^\d.]/g, "");
  const decimals = digits.includes(".") ? digits.length - digits.indexOf(".") - 1 : 0;
  // So few digits say too little of thousands or millions.
  const scales = text.includes("%") ? [100] : digits.length < leastScaledDigits ? [1] : [1, 1e-3, 1e-6];
  return scales.some(
    (scale) =>
      Math.abs(Number(digits) - Math.abs(value * scale)) <= 0.5 * 10 ** -decimals * (1 + 1e-9) + 1e-12,
  );
}

function holds({ value, excerpt }: Operand, text: string): boolean {
  if (value !== undefined) return isWritten(text, value);
  const digits = text.replaceAll(/[^\d.]/g, "");
  const scale = scaleOf[/[a-z]+$/.exec(text)?.[0] ?? ""];
  const decimals = digits.split(".")[1]?.length ?? 0;
  return (excerpt?.match(/\d[\d,]*(?:\.\d+)?/g) ?? [])
    .map((one) => Number(one.replaceAll(",", "")))
    .some((printed) =>
      scale === undefined
        ? printed === Number(digits)
        : tableScales.some(
            (stated) =>
              Math.abs((printed * stated) / scale - Number(digits)) <= 0.5 * 10 ** -decimals * (1 + 1e-9),
          ),
    );
}

/** A sentence in pieces: its markers, and its numbers with their scale by the citation that holds each. Years and bare counts stay text. */
export function piecesOf(sentence: string, operands: readonly Operand[]): Piece[] {
  const marks = new Set([...sentence.matchAll(/\[(\d+)\]/g)].map((match) => Number(match[1])));
  const cited = operands.filter(({ number }) => marks.has(number));
  return sentence
    .split(tokens)
    .filter((text) => text !== "")
    .map((text): Piece => {
      const mark = /^\[(\d+)\]$/.exec(text);
      if (mark !== null) {
        const own = cited.find(({ number }) => number === Number(mark[1]));
        return own === undefined
          ? { kind: "text", text }
          : { kind: "mark", text, evidenceId: own.evidenceId };
      }
      if (!/\d/.test(text) || /^(?:1[89]|2[01])\d\d$/.test(text)) return { kind: "text", text };
      const own = cited.find((one) => holds(one, text));
      return own === undefined
        ? { kind: "text", text }
        : { kind: "operand", text, evidenceId: own.evidenceId, mark: own.number };
    });
}
