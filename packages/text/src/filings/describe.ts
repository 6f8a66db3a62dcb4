import type { Expression } from "./expression.ts";
import type { Figure } from "./figures.ts";
import type { Item } from "./items.ts";

const signs = { "+": "+", "-": "−", "*": "×", "/": "/" } as const;

/** A part of a computation in brackets, where it is one itself or negative. */
export function bracketed(text: string): string {
  return / [+−×/] |^−/.test(text) ? `(${text})` : text;
}

/** An expression at a year with its items written by `show`. */
function written(expression: Expression, at: number, show: (item: Item, year: number) => string): string {
  switch (expression.kind) {
    case "number":
      return String(expression.value);
    case "item":
      return show(expression.item, expression.year ?? at);
    case "binary": {
      const left = written(expression.left, at, show);
      const right = written(expression.right, at, show);
      return `${bracketed(left)} ${signs[expression.op]} ${bracketed(right)}`;
    }
    default: {
      const [before, after] = expression.years ?? [at - 1, at];
      const first = written(expression.of, before, show);
      const last = written(expression.of, after, show);
      return expression.kind === "average"
        ? `(${first} + ${last}) / 2`
        : `${bracketed(last)} − ${bracketed(first)}`;
    }
  }
}

/**
 * The arithmetic behind a figure, its items written by `show`: "230 million − 84 million". A single item is written as
 * itself.
 */
export function arithmeticOf(
  { request }: Pick<Figure, "request">,
  show: (item: Item, year: number) => string,
): string {
  const { expression, kind, years, year } = request;
  const at = (one: number) => written(expression, one, show);
  switch (kind) {
    case "value":
      return at(year);
    case "average":
      return `(${years.map((one) => bracketed(at(one))).join(" + ")}) / ${years.length}`;
    case "growth":
      return `${bracketed(at(years.at(-1)!))} / ${bracketed(at(years[0]!))} − 1`;
    case "cagr":
      return `(${bracketed(at(years.at(-1)!))} / ${bracketed(at(years[0]!))})^(1 / ${years.at(-1)! - years[0]!}) − 1`;
  }
}
