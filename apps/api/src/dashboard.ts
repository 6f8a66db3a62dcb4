import type { Hono } from "hono";
import type { ApiEnv } from "./context.ts";
import { staticFolder } from "./static.ts";

const notBuilt = `<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Tapedeck</title></head>
<body><h1>Tapedeck</h1><p>The API runs. The dashboard is not built here: run <code>npx vite build</code> in apps/dashboard.</p>
<p><a href="/api/docs">API documentation</a></p></body></html>`;

/** The built dashboard at `/`; an address of one of its pages gives index.html. */
export function mountDashboard(app: Hono<ApiEnv>, folder: string): void {
  const files = staticFolder(folder);
  app.get("*", async (c, next) => {
    const path = c.req.path;
    if (/^\/(api|metrics|healthz|readyz|ws)(\/|$)/.test(path)) return next();
    c.set("route", "dashboard");
    const file = await files.serve(
      path === "/" ? "index.html" : decodeURIComponent(path.slice(1)),
      c.req.raw,
    );
    if (file !== undefined) return file;
    // A missing file is missing; a page's address, which may end in an instrument's venue, is the dashboard's own.
    if (/\.[a-z0-9]+$/.test(path)) return next();
    return (await files.serve("index.html", c.req.raw)) ?? c.html(notBuilt);
  });
}
