export * from "./black.ts";
export * from "./implied.ts";
export * from "./american.ts";
export * from "./exotic.ts";
export * from "./bond.ts";
export { QuantError } from "../error.ts";
