import { AppError, newId } from "@tapedeck/core";
import type { RouteContract } from "@tapedeck/core";
import type { RateLimit } from "@tapedeck/features/auth/contract";
import type { ApiDeps } from "@tapedeck/features/deps";
import { getConnInfo } from "@hono/node-server/conninfo";
import { Hono } from "hono";
import { callerOf, requireRole } from "./authenticate.ts";
import type { ApiContext, ApiEnv } from "./context.ts";
import { mountDashboard } from "./dashboard.ts";
import type { DatabaseWatch } from "./databaseWatch.ts";
import { mountDocs } from "./docsPage.ts";
import { secureHeaders } from "./headers.ts";
import { mountHealth } from "./health.ts";
import type { Health } from "./health.ts";
import type { Metrics } from "./metrics.ts";
import { mountJob, mountRoute } from "./mount.ts";
import type { AnyRouteHandler, MountOptions } from "./mount.ts";
import { respondProblem } from "./problem.ts";

export interface AppOptions {
  deps: ApiDeps;
  routes: Record<string, RouteContract>;
  routeHandlers: Record<string, AnyRouteHandler>;
  settings: AppSettings;
  health: Health;
  /** Undefined: no watching (tests). */
  watch?: DatabaseWatch;
  metrics?: Metrics;
  /** Aborted when the server stops: whoever waits for a job is answered with it as it stands. */
  stopping?: AbortSignal;
  /** Runs a request inside its span; gives the span's W3C traceparent. */
  trace?: TraceRequest;
}

/** `traceParent` comes from the client; the one passed to `run` names this request's own span. */
export type TraceRequest = (
  request: { method: string; path: string; traceParent: string | undefined },
  run: (traceParent: string | undefined) => Promise<{ route: string | undefined; status: number }>,
) => Promise<void>;

export interface AppSettings {
  version: string;
  /** Folder of the built dashboard; undefined serves none. */
  dashboardDir?: string;
  callerLimit: RateLimit;
  anonymousLimit: RateLimit;
  /** Origins of other sites whose pages may call the API with a token. */
  corsOrigins: readonly string[];
  /** Take the client's address from X-Forwarded-For: only behind a proxy that sets it. */
  trustProxy: boolean;
  /** For bodies that are not a job's, which has its own limit. */
  maxBodyBytes: number;
  /** How often the caller of an open event stream is checked again. Default 5 s. */
  recheckMs?: number;
}

/** Asked for every few seconds, or a page's files: logged at debug. */
const quietRoutes = new Set(["healthz", "readyz", "metrics", "dashboard", "docs"]);

const inboundId = /^[A-Za-z0-9._-]{8,64}$/;

function addressOf(c: ApiContext, trustProxy: boolean): string | undefined {
  if (trustProxy) {
    const forwarded = c.req.header("x-forwarded-for")?.split(",").at(-1)?.trim();
    if (forwarded !== undefined && forwarded !== "") return forwarded.slice(0, 64);
  }
  // Without a socket (in-process calls) there are no bindings at all.
  const bindings = c.env as ApiEnv["Bindings"] | undefined;
  return bindings?.incoming === undefined ? undefined : getConnInfo(c).remote.address;
}

export interface Api {
  app: Hono<ApiEnv>;
  /** Requests that are not answered yet (of a stream: not begun). */
  inFlight: () => number;
}

/** The HTTP side of every contract. It keeps nothing: replicas are alike. */
export function createApp(options: AppOptions): Api {
  const { deps, settings } = options;
  const app = new Hono<ApiEnv>();
  let inFlight = 0;

  app.use(async (c, next) => {
    const sent = c.req.header("x-request-id");
    const requestId = sent !== undefined && inboundId.test(sent) ? sent : newId(deps.now());
    c.set("requestId", requestId);
    c.set("log", deps.log);
    c.set("address", addressOf(c, settings.trustProxy));
    const started = performance.now();
    const { method } = c.req;
    const sentParent = c.req.header("traceparent");
    const run = async (traceParent: string | undefined) => {
      c.set("traceParent", traceParent);
      await next();
      return { route: c.get("route"), status: c.res.status };
    };
    inFlight += 1;
    try {
      if (options.trace === undefined) await run(sentParent);
      else await options.trace({ method, path: c.req.path, traceParent: sentParent }, run);
    } finally {
      inFlight -= 1;
    }
    const durationMs = performance.now() - started;
    const { status } = c.res;
    options.metrics?.request(c.get("route") ?? "none", method, status, durationMs / 1_000);
    const level = quietRoutes.has(c.get("route") ?? "") ? "debug" : "info";
    c.get("log")[level](
      { requestId, method, route: c.get("route"), status, durationMs: Math.round(durationMs * 10) / 10 },
      "request",
    );
  });
  app.use(secureHeaders(settings.corsOrigins));

  const mounting: MountOptions = {
    deps,
    callerLimit: settings.callerLimit,
    anonymousLimit: settings.anonymousLimit,
    watch: options.watch,
    stopping: options.stopping,
    maxBodyBytes: settings.maxBodyBytes,
    recheckMs: settings.recheckMs ?? 5_000,
  };
  for (const contract of Object.values(deps.jobContracts)) mountJob(app, contract, mounting);
  for (const [name, contract] of inMatchingOrder(options.routes)) {
    const handler = options.routeHandlers[name];
    if (handler === undefined) throw new AppError("config.invalid", `The route ${name} has no handler.`);
    mountRoute(app, contract, handler, mounting);
  }
  const { version } = settings;
  mountDocs(app, { contracts: deps.jobContracts, routes: options.routes, version });
  mountHealth(app, options.health);
  if (options.metrics !== undefined) mountMetrics(app, options.metrics, mounting);
  refuseOtherMethods(app);
  if (settings.dashboardDir !== undefined) mountDashboard(app, settings.dashboardDir);

  app.notFound((c) =>
    respondProblem(
      c,
      new AppError("route.unknown", "There is nothing at this address; /api/docs lists all."),
    ),
  );
  app.onError((error, c) => respondProblem(c, error));
  return { app, inFlight: () => inFlight };
}

/** For callers of role operator: Prometheus sends an API key as its bearer token. */
function mountMetrics(app: Hono<ApiEnv>, metrics: Metrics, mounting: MountOptions): void {
  app.get("/metrics", async (c) => {
    c.set("route", "metrics");
    requireRole(await callerOf(c, mounting.deps.auth), { role: "operator" }, c.get("requestId"));
    const { body, contentType } = await metrics.text();
    return c.body(body, 200, { "content-type": contentType, "cache-control": "no-store" });
  });
}

/** The router takes the first match, so that `/jobs/stats` must come before `/jobs/{id}`. */
function inMatchingOrder(routes: Record<string, RouteContract>): [string, RouteContract][] {
  const key = (path: string) => path.replaceAll(/\{\w+\}/g, "\u{ffff}");
  return Object.entries(routes).toSorted(([, a], [, b]) => (key(a.path) < key(b.path) ? -1 : 1));
}

/** 405 with `Allow` for every path that exists under another method. */
function refuseOtherMethods(app: Hono<ApiEnv>): void {
  const methods = new Map<string, Set<string>>();
  for (const route of app.routes) {
    if (route.method === "ALL") continue;
    const known = methods.get(route.path) ?? new Set();
    known.add(route.method);
    if (route.method === "GET") known.add("HEAD");
    methods.set(route.path, known);
  }
  for (const [path, known] of methods) {
    const allow = [...known].sort().join(", ");
    app.all(path, (c) => {
      c.header("allow", allow);
      throw new AppError("method.notAllowed", `This address takes ${allow}, not ${c.req.method}.`);
    });
  }
}
