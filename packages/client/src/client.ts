import type { PayloadIn, ResultOut, RouteContract } from "./types.ts";
import type { BodyIn, ParamsIn, QueryIn, ResponseOut } from "./types.ts";
import type { JobContract } from "@tapedeck/core";
import { contracts, routes } from "@tapedeck/features/contracts";
import type { JobEvent, JobView, SubmitOptions } from "@tapedeck/features/jobs/contract";
import type * as z from "zod";
import { ClientError, errorOf } from "./error.ts";
import { readServerEvents } from "./sse.ts";

type Contracts = typeof contracts;
const jobContracts: Record<string, JobContract> = contracts;
type Routes = typeof routes;
export type JobType = keyof Contracts;
export type RouteName = keyof Routes;

export interface ClientOptions {
  /** `http://127.0.0.1:3000`; "" in a page of the same server. */
  baseUrl: string;
  /** API key or access token, or how to get one; absent in a page, which has the session cookie. */
  token?: string | (() => string | undefined | Promise<string | undefined>);
  fetch?: typeof globalThis.fetch;
  /** How long to wait before an event stream that broke is opened again. Default 500, doubled to 10 000. */
  reconnectMs?: number;
}

/** Options of a submission. */
export interface SubmitCall extends z.input<typeof SubmitOptions> {
  idempotencyKey?: string;
  /** Answer only when the job has ended, or after so many seconds (60 at most). */
  waitS?: number;
  signal?: AbortSignal;
}

export type TypedJob<Name extends JobType> = Omit<JobView, "result"> & {
  result: ResultOut<Contracts[Name]> | null;
};

type Given<T, Key extends string> = [T] extends [undefined]
  ? { [K in Key]?: undefined }
  : object extends T
    ? { [K in Key]?: T }
    : { [K in Key]: T };

/** What `call` takes beside the name: the route's parameters, query and body. */
export type CallInput<C extends RouteContract> = Given<ParamsIn<C>, "params"> &
  Given<QueryIn<C>, "query"> &
  Given<BodyIn<C>, "body"> & { signal?: AbortSignal; headers?: Record<string, string> };

type CallArguments<C extends RouteContract> =
  object extends CallInput<C> ? [input?: CallInput<C>] : [input: CallInput<C>];

export interface Client {
  /** Hands in a job; resolves when it is on disk (or has ended, with `waitS`). */
  submit<Name extends JobType>(
    type: Name,
    payload: PayloadIn<Contracts[Name]>,
    options?: SubmitCall,
  ): Promise<TypedJob<Name>>;
  /** The same for a job type that this client was not built with; `path` as its contract or `GET /api/job-types` has it. */
  submitTo(path: string, payload: unknown, options?: SubmitCall): Promise<JobView>;
  /** The job once it has ended; `onEvent` sees what happens meanwhile. */
  wait(
    jobId: string,
    options?: { signal?: AbortSignal; onEvent?: (event: JobEvent) => void },
  ): Promise<JobView>;
  /** Submits, waits, and gives the result; throws the job's error where it failed or was cancelled. */
  run<Name extends JobType>(
    type: Name,
    payload: PayloadIn<Contracts[Name]>,
    options?: Omit<SubmitCall, "waitS"> & { onEvent?: (event: JobEvent) => void },
  ): Promise<ResultOut<Contracts[Name]>>;
  /** A job's events from the first (or after `afterId`) to its end; opens the stream again where it broke, losing and doubling none. */
  events(jobId: string, options?: { afterId?: number; signal?: AbortSignal }): AsyncGenerator<JobEvent, void>;
  /** Any other address, by its name. */
  call<Name extends RouteName>(
    name: Name,
    ...rest: CallArguments<Routes[Name]>
  ): Promise<ResponseOut<Routes[Name]>>;
  /** A raw answer: streams and downloads. Throws on an error status. */
  fetch(path: string, init?: RequestInit): Promise<Response>;
}

const queryNames = ["priority", "runAt", "delayMs", "callbackUrl", "seed"] as const;

type QueryValue = string | number | boolean | null | undefined;

function queryText(query: Record<string, QueryValue | QueryValue[]> | undefined): string {
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(query ?? {})) {
    if (value === undefined) continue;
    if (Array.isArray(value)) for (const item of value) search.append(name, String(item));
    else search.append(name, String(value));
  }
  const text = search.toString();
  return text === "" ? "" : `?${text}`;
}

function pathText(path: string, params: Record<string, unknown> | undefined): string {
  return `/api${path.replaceAll(/\{(\w+)\}/g, (_all, name: string) => encodeURIComponent(String(params?.[name])))}`;
}

function pause(ms: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    const stop = () => {
      clearTimeout(timer);
      reject(signal!.reason as Error);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener("abort", stop);
      resolve();
    }, ms);
    if (signal?.aborted === true) stop();
    else signal?.addEventListener("abort", stop, { once: true });
  });
}

/** A typed client of the API, made from the same contracts as the API itself. Works in browsers and in Node. */
export function createClient(options: ClientOptions): Client {
  const base = options.baseUrl.replace(/\/$/, "");
  const doFetch = options.fetch ?? globalThis.fetch.bind(globalThis);
  const firstPauseMs = options.reconnectMs ?? 500;

  async function request(path: string, init: RequestInit = {}): Promise<Response> {
    const token = typeof options.token === "function" ? await options.token() : options.token;
    const headers = new Headers(init.headers);
    if (token !== undefined) headers.set("authorization", `Bearer ${token}`);
    let response: Response;
    try {
      response = await doFetch(base + path, { ...init, headers, credentials: "same-origin" });
    } catch (cause) {
      if (init.signal?.aborted === true) throw cause;
      throw new ClientError(`No answer from ${base === "" ? "the server" : base}; is it running?`, {
        code: "network",
        status: 0,
        retryable: true,
        cause,
      });
    }
    if (!response.ok) throw await errorOf(response);
    return response;
  }

  async function send(
    method: string,
    path: string,
    body: unknown,
    extra: { headers?: Record<string, string>; signal?: AbortSignal },
  ): Promise<unknown> {
    const headers: Record<string, string> = { accept: "application/json", ...extra.headers };
    if (body !== undefined) headers["content-type"] = "application/json";
    const response = await request(path, {
      method,
      headers,
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      ...(extra.signal === undefined ? {} : { signal: extra.signal }),
    });
    if (response.status === 204) return undefined;
    return (await response.json()) as unknown;
  }

  async function submitTo(path: string, payload: unknown, call: SubmitCall = {}): Promise<JobView> {
    const headers: Record<string, string> = {};
    if (call.idempotencyKey !== undefined) headers["idempotency-key"] = call.idempotencyKey;
    if (call.waitS !== undefined) headers["prefer"] = `wait=${call.waitS}`;
    const query = Object.fromEntries(queryNames.map((name) => [name, call[name] as QueryValue]));
    const extra = call.signal === undefined ? { headers } : { headers, signal: call.signal };
    return (await send(
      "POST",
      pathText(path.replace(/^\/api\//, "/"), undefined) + queryText(query),
      payload,
      extra,
    )) as JobView;
  }

  async function getJob(jobId: string, signal: AbortSignal | undefined): Promise<JobView> {
    const extra = signal === undefined ? {} : { signal };
    return (await send("GET", `/api/jobs/${encodeURIComponent(jobId)}`, undefined, extra)) as JobView;
  }

  async function* events(
    jobId: string,
    call: { afterId?: number; signal?: AbortSignal } = {},
  ): AsyncGenerator<JobEvent, void> {
    let lastId = call.afterId ?? 0;
    let pauseMs = firstPauseMs;
    for (;;) {
      let sawEvents = false;
      try {
        const response = await request(`/api/jobs/${encodeURIComponent(jobId)}/events`, {
          headers: { accept: "text/event-stream", "last-event-id": String(lastId) },
          ...(call.signal === undefined ? {} : { signal: call.signal }),
        });
        // The job had ended by then, and all of it was seen.
        if (response.status === 204) return;
        for await (const sent of readServerEvents(response.body!)) {
          // The present state comes first, without an id; the events tell the same from the start.
          const id = Number(sent.id);
          if (id <= lastId) continue;
          const { atMs, data } = JSON.parse(sent.data) as Pick<JobEvent, "atMs" | "data">;
          const event: JobEvent = { id, event: sent.event as JobEvent["event"], atMs, data };
          lastId = event.id;
          sawEvents = true;
          pauseMs = firstPauseMs;
          yield event;
          if (event.event === "end") return;
        }
      } catch (error) {
        if (call.signal?.aborted === true) throw error;
        if (error instanceof ClientError && !error.retryable) throw error;
      }
      await pause(pauseMs, call.signal);
      // A stream that ends without an end: cut off, or a job whose events were erased.
      const job = await getJob(jobId, call.signal).catch((error: unknown) => {
        if (error instanceof ClientError && error.retryable) return undefined;
        throw error;
      });
      if (job !== undefined && job.endedMs !== null && !sawEvents) return;
      pauseMs = Math.min(pauseMs * 2, 10_000);
    }
  }

  async function wait(
    jobId: string,
    call: { signal?: AbortSignal; onEvent?: (event: JobEvent) => void } = {},
  ): Promise<JobView> {
    const signal = call.signal === undefined ? {} : { signal: call.signal };
    for await (const event of events(jobId, signal)) call.onEvent?.(event);
    return getJob(jobId, call.signal);
  }

  const client: Client = {
    submitTo,
    async submit(type, payload, call) {
      return (await submitTo(jobContracts[type]!.path, payload, call)) as never;
    },
    wait,
    async run(type, payload, call = {}) {
      const { onEvent, ...rest } = call;
      const job = await submitTo(jobContracts[type]!.path, payload, rest);
      const waiting: { signal?: AbortSignal; onEvent?: (event: JobEvent) => void } = {};
      if (rest.signal !== undefined) waiting.signal = rest.signal;
      if (onEvent !== undefined) waiting.onEvent = onEvent;
      const ended = await wait(job.id, waiting);
      if (ended.state === "completed") return ended.result as never;
      const { code, message, retryable } = ended.error ?? {
        code: "job.cancelled",
        message: "The job was cancelled.",
        retryable: false,
      };
      throw new ClientError(message, { code, status: 0, retryable });
    },
    events,
    async call(name, ...rest) {
      const contract = routes[name] as RouteContract;
      const input = (rest[0] ?? {}) as {
        params?: Record<string, unknown>;
        query?: Record<string, QueryValue | QueryValue[]>;
        body?: unknown;
        headers?: Record<string, string>;
        signal?: AbortSignal;
      };
      const extra: { headers?: Record<string, string>; signal?: AbortSignal } = {};
      if (input.headers !== undefined) extra.headers = input.headers;
      if (input.signal !== undefined) extra.signal = input.signal;
      const path = pathText(contract.path, input.params) + queryText(input.query);
      return (await send(contract.method, path, input.body, extra)) as never;
    },
    fetch: request,
  };
  return client;
}
