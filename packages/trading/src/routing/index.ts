export * from "./route.ts";
export * from "./schedule.ts";
