export * from "./nsga2.ts";
export * from "./searcher.ts";
export * from "./sobol.ts";
export * from "./space.ts";
