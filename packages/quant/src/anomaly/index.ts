export * from "./matrix.ts";
export * from "./univariate.ts";
export * from "./isolation.ts";
export * from "./oneClass.ts";
export * from "./reasons.ts";
export { QuantError } from "../error.ts";
