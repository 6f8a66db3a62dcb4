/** What an answer must hold; computed from the bars by plain loops, not by the code that answers. */
export type Expected =
  | { kind: "percent"; value: number }
  | { kind: "number"; value: number }
  /** yyyy-mm-dd, each of them. */
  | { kind: "dates"; value: string[] }
  | { kind: "name"; value: string }
  | { kind: "declined" };

export interface MarketQuestion {
  question: string;
  expected: Expected;
}

/** What makes the number after it a loss: a verb, or a measure that is told as the size of one. */
const losing =
  /(?:\b(?:fell|lost|declined|dropped|down)(?: by)?|\bloss of|\b(?:drawdown|value at risk) of [^:;]* was) $/;

/** Numbers of a text with their signs and what stands right after them; dates are taken out first. */
function numbersOf(text: string): { value: number; percent: boolean; decimals: number }[] {
  const bare = text.replaceAll(/\b\d{4}-\d\d-\d\d\b|\[\d+\]|S&P 500/g, " ");
  return [...bare.matchAll(/(?<![\d.])[-−]?\d[\d,]*(?:\.(\d+))?(\s?%)?/g)].map((match) => ({
    value:
      (losing.test(bare.slice(0, match.index)) ? -1 : 1) *
      Number(match[0].replaceAll(/[,%\s]/g, "").replace("−", "-")),
    percent: match[2] !== undefined,
    decimals: match[1]?.length ?? 0,
  }));
}

/** Does the text say it? A sign may be a word ("fell 3 %"); numbers may be rounded to the digits shown. */
export function says(text: string, expected: Expected): boolean {
  switch (expected.kind) {
    case "name":
      return text.split(".")[0]!.includes(expected.value);
    case "dates":
      return expected.value.every((day) => text.includes(day) || text.includes(written(day)));
    case "declined":
      return false;
    default:
      return numbersOf(text).some(
        ({ value, percent, decimals }) =>
          percent === (expected.kind === "percent") &&
          Math.abs(value - expected.value) <= 0.5 * 10 ** -decimals + 1e-9,
      );
  }
}

function written(day: string): string {
  const date = new Date(`${day}T00:00:00Z`);
  return `${date.getUTCDate()} ${date.toLocaleString("en-GB", { month: "long", timeZone: "UTC" })} ${date.getUTCFullYear()}`;
}
