export { ClientError } from "./error.ts";
export type { Problem } from "./error.ts";
export { createClient } from "./client.ts";
export type { CallInput, Client, ClientOptions, JobType, RouteName, SubmitCall, TypedJob } from "./client.ts";
export { readServerEvents } from "./sse.ts";
export type { ServerEvent } from "./sse.ts";
export type { BodyIn, ParamsIn, PayloadIn, QueryIn, ResponseOut, ResultOut } from "./types.ts";
