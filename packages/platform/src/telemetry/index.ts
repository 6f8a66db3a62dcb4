import { AsyncLocalStorage } from "node:async_hooks";
import { context, ROOT_CONTEXT, SpanKind, SpanStatusCode, trace, TraceFlags } from "@opentelemetry/api";
import type { Attributes, Context, ContextManager, Span, SpanContext } from "@opentelemetry/api";
import { OTLPTraceExporter } from "@opentelemetry/exporter-trace-otlp-http";
import { resourceFromAttributes } from "@opentelemetry/resources";
import { BasicTracerProvider, BatchSpanProcessor } from "@opentelemetry/sdk-trace-base";
import type { LogEvent } from "kysely";

export interface TracingOptions {
  /** OTLP over HTTP; `/v1/traces` is added. Undefined: nothing is recorded or sent. */
  endpoint: string | undefined;
  /** `tapedeck-api`, `tapedeck-workers`. */
  serviceName: string;
  serviceVersion?: string;
}

export interface SpanOptions {
  /** W3C traceparent of the caller, from a header or a job's row. */
  traceParent?: string | undefined;
  kind?: "server" | "client" | "consumer" | "producer" | "internal";
  attributes?: Attributes;
}

export interface ActiveSpan {
  /** To pass on; the caller's own when nothing is recorded. */
  traceParent: string | undefined;
  set(attributes: Attributes): void;
}

export interface Tracing {
  readonly enabled: boolean;
  /** Runs `work` inside a span; an error ends the span as failed and passes through. */
  span<T>(name: string, options: SpanOptions, work: (span: ActiveSpan) => Promise<T>): Promise<T>;
  /** W3C traceparent of the span that is active here. */
  traceParent(): string | undefined;
  traceId(): string | undefined;
  /** For `createDb({ onQuery })`: a span for each statement below an active span. Parameters are never recorded. */
  onQuery: ((event: LogEvent) => void) | undefined;
  /** Sends what is left. */
  close(): Promise<void>;
}

const kinds = {
  server: SpanKind.SERVER,
  client: SpanKind.CLIENT,
  consumer: SpanKind.CONSUMER,
  producer: SpanKind.PRODUCER,
  internal: SpanKind.INTERNAL,
} as const;

const traceParentPattern = /^00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})$/;

/** Undefined when it is not a valid version 00 traceparent. */
export function parseTraceParent(text: string | undefined): SpanContext | undefined {
  const match = text === undefined ? null : traceParentPattern.exec(text);
  if (match === null || /^0+$/.test(match[1]!) || /^0+$/.test(match[2]!)) return undefined;
  return {
    traceId: match[1]!,
    spanId: match[2]!,
    traceFlags: Number.parseInt(match[3]!, 16) & TraceFlags.SAMPLED,
    isRemote: true,
  };
}

function formatTraceParent({ traceId, spanId, traceFlags }: SpanContext): string {
  return `00-${traceId}-${spanId}-${(traceFlags & TraceFlags.SAMPLED) === 1 ? "01" : "00"}`;
}

/** The active span follows promises and timers. */
class AsyncContextManager implements ContextManager {
  readonly #storage = new AsyncLocalStorage<Context>();

  active(): Context {
    return this.#storage.getStore() ?? ROOT_CONTEXT;
  }

  with<A extends unknown[], F extends (...args: A) => ReturnType<F>>(
    active: Context,
    work: F,
    thisArg?: ThisParameterType<F>,
    ...args: A
  ): ReturnType<F> {
    return this.#storage.run(active, () => work.call(thisArg, ...args));
  }

  bind<T>(active: Context, target: T): T {
    if (typeof target !== "function") return target;
    const work = target as (...args: unknown[]) => unknown;
    return ((...args: unknown[]) => this.#storage.run(active, () => work(...args))) as T;
  }

  enable(): this {
    return this;
  }

  disable(): this {
    this.#storage.disable();
    return this;
  }
}

/** No collector: callers' trace ids still travel from request to job, nothing else happens. */
const off: Tracing = {
  enabled: false,
  span: (_name, { traceParent }, work) => work({ traceParent, set: () => undefined }),
  traceParent: () => undefined,
  traceId: () => undefined,
  onQuery: undefined,
  close: () => Promise.resolve(),
};

/** One a process. Spans go to the collector in batches; one that is away costs nothing but the spans. */
export function createTracing(options: TracingOptions): Tracing {
  if (options.endpoint === undefined) return off;
  const provider = new BasicTracerProvider({
    resource: resourceFromAttributes({
      "service.name": options.serviceName,
      ...(options.serviceVersion === undefined ? {} : { "service.version": options.serviceVersion }),
    }),
    spanProcessors: [
      new BatchSpanProcessor(
        new OTLPTraceExporter({
          url: `${options.endpoint.replace(/\/+$/, "")}/v1/traces`,
          timeoutMillis: 5_000,
        }),
        { maxQueueSize: 4_096, maxExportBatchSize: 512, scheduledDelayMillis: 1_000 },
      ),
    ],
  });
  context.setGlobalContextManager(new AsyncContextManager());
  const tracer = provider.getTracer("tapedeck");

  const activeSpan = (): Span | undefined => trace.getSpan(context.active());

  return {
    enabled: true,

    span(name, { traceParent, kind = "internal", attributes = {} }, work) {
      const remote = parseTraceParent(traceParent);
      const parent = remote === undefined ? context.active() : trace.setSpanContext(context.active(), remote);
      const span = tracer.startSpan(name, { kind: kinds[kind], attributes }, parent);
      const active: ActiveSpan = {
        traceParent: formatTraceParent(span.spanContext()),
        set: (more) => void span.setAttributes(more),
      };
      return context.with(trace.setSpan(parent, span), async () => {
        try {
          return await work(active);
        } catch (error) {
          const { code } = error as { code?: unknown };
          span.setStatus({ code: SpanStatusCode.ERROR });
          span.setAttribute("error.type", typeof code === "string" ? code : (error as Error).name);
          throw error;
        } finally {
          span.end();
        }
      });
    },

    traceParent() {
      const span = activeSpan();
      return span === undefined ? undefined : formatTraceParent(span.spanContext());
    },

    traceId: () => activeSpan()?.spanContext().traceId,

    onQuery(event) {
      const parent = activeSpan();
      if (parent === undefined || !parent.isRecording()) return;
      const text = event.query.sql;
      const operation = /^\s*([a-z]+)/i.exec(text)?.[1]?.toUpperCase() ?? "SQL";
      const endTime = performance.timeOrigin + performance.now();
      const span = tracer.startSpan(
        operation,
        {
          kind: SpanKind.CLIENT,
          startTime: endTime - event.queryDurationMillis,
          attributes: {
            "db.system.name": "postgresql",
            "db.operation.name": operation,
            "db.query.text": text.slice(0, 2_000),
          },
        },
        context.active(),
      );
      if (event.level === "error") span.setStatus({ code: SpanStatusCode.ERROR });
      span.end(endTime);
    },

    async close() {
      await provider.shutdown().catch(() => undefined);
      context.disable();
    },
  };
}
