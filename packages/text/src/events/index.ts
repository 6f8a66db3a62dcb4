export { extractEvents } from "./extract.ts";
export type { ExtractOptions, Span, TextEvent } from "./extract.ts";
export { eventKinds } from "./kinds.ts";
export type { EventDirection, EventKind } from "./kinds.ts";
export { isSameStory, storyMs } from "./stories.ts";
export type { Telling } from "./stories.ts";
