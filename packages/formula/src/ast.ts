/** A place in the text: offset of the first character (from 0) and length. */
export interface Span {
  readonly start: number;
  readonly length: number;
}

export type BinaryOperator =
  | "+"
  | "-"
  | "*"
  | "/"
  | "%"
  | "^"
  | "<"
  | "<="
  | ">"
  | ">="
  | "=="
  | "!="
  | "and"
  | "or";

export type Expression =
  | { readonly kind: "number"; readonly value: number; readonly span: Span }
  | { readonly kind: "string"; readonly value: string; readonly span: Span }
  | { readonly kind: "name"; readonly name: string; readonly span: Span }
  /** `{name}`: a number that is given when the formula is bound. */
  | { readonly kind: "hole"; readonly name: string; readonly span: Span }
  | { readonly kind: "unary"; readonly operator: "-" | "not"; readonly of: Expression; readonly span: Span }
  | {
      readonly kind: "binary";
      readonly operator: BinaryOperator;
      readonly left: Expression;
      readonly right: Expression;
      readonly span: Span;
    }
  | {
      readonly kind: "call";
      readonly name: string;
      readonly nameSpan: Span;
      readonly args: readonly Expression[];
      readonly named: readonly NamedArgument[];
      readonly span: Span;
    }
  | {
      readonly kind: "instrument";
      readonly of: Expression;
      readonly symbol: string;
      readonly symbolSpan: Span;
      readonly span: Span;
    }
  | {
      readonly kind: "output";
      readonly of: Expression;
      readonly output: string;
      readonly outputSpan: Span;
      readonly span: Span;
    };

export interface NamedArgument {
  readonly name: string;
  readonly nameSpan: Span;
  readonly value: Expression;
}

/** A parsed formula. */
export interface Ast {
  readonly text: string;
  readonly root: Expression;
}
