/** What sources write where they have no value. */
const empty = new Set(["", "-", "--", "na", "n/a", "nan", "null", "none", "nil", "#n/a", "."]);

export function isEmptyCell(text: string): boolean {
  return empty.has(text.toLowerCase());
}

const suffixes: Record<string, number> = { k: 1e3, m: 1e6, b: 1e9, t: 1e12 };
const plain = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i;

/**
 * A number as files write it: thousands marks, a currency sign in front, K, M, B or T behind. NaN where it is none;
 * `decimal` says which of point and comma is which.
 */
export function parseNumber(text: string, decimal: "." | ","): number {
  let rest = text.trim();
  if (decimal === "," || !plain.test(rest)) {
    rest = rest.replace(/^([+-]?)[$€£¥]\s*/, "$1").replaceAll(/[\s\u00a0'_]/g, "");
    const thousands = decimal === "." ? "," : ".";
    if (rest.includes(thousands)) {
      const groups =
        decimal === "."
          ? /^[+-]?\d{1,3}(,\d{2,3})*,\d{3}(\.\d*)?[kmbt]?$/i
          : /^[+-]?\d{1,3}(\.\d{3})+(,\d*)?[kmbt]?$/i;
      if (!groups.test(rest)) return Number.NaN;
      rest = rest.replaceAll(thousands, "");
    }
    if (decimal === ",") rest = rest.replace(",", ".");
  }
  const suffix = suffixes[rest.at(-1)?.toLowerCase() ?? ""];
  if (suffix !== undefined) rest = rest.slice(0, -1);
  return plain.test(rest) ? Number(rest) * (suffix ?? 1) : Number.NaN;
}
