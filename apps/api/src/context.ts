import type { Caller, Log } from "@tapedeck/core";
import type { HttpBindings } from "@hono/node-server";
import type { Context } from "hono";

export interface ApiEnv {
  Bindings: Partial<HttpBindings>;
  Variables: {
    requestId: string;
    log: Log;
    /** Set once the request is authenticated. */
    caller: Caller | undefined;
    /** Client's address. */
    address: string | undefined;
    /** Name of the route that answers, for metrics and logs; never the path, whose ids are without end. */
    route: string | undefined;
    /** What every answer carries. */
    answerHeaders: Record<string, string>;
    /** The answer that carries them already. */
    headed: Response | undefined;
    /** W3C traceparent of this request's span. */
    traceParent: string | undefined;
  };
}

export type ApiContext = Context<ApiEnv>;
