export * from "./book.ts";
export * from "./currency.ts";
