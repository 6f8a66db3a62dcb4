export * from "./engine/index.ts";
export * from "./ledger.ts";
export * from "./lots/index.ts";
export * from "./matching.ts";
export * from "./performance.ts";
export * from "./routing/index.ts";
export * from "./simulate.ts";
export * from "./strategies.ts";
