import { createRequire } from "node:module";
import path from "node:path";
import type { JobContract, RouteContract } from "@tapedeck/core";
import type { Hono } from "hono";
import type { ApiEnv } from "./context.ts";
import { openApiDocument } from "./openapi.ts";
import { etagOf } from "./respond.ts";
import { staticFolder } from "./static.ts";

const page = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Tapedeck API</title>
<link rel="icon" href="/api/docs/favicon-32x32.png">
<link rel="stylesheet" href="/api/docs/swagger-ui.css">
</head>
<body>
<div id="swagger-ui"></div>
<script src="/api/docs/swagger-ui-bundle.js"></script>
<script src="/api/docs/page.js"></script>
</body>
</html>
`;

const script = `window.ui = SwaggerUIBundle({
  url: "/api/openapi.json",
  dom_id: "#swagger-ui",
  deepLinking: true,
  docExpansion: "none",
  filter: true,
  persistAuthorization: false,
  tryItOutEnabled: true,
  validatorUrl: null,
});
`;

const files = new Set(["swagger-ui.css", "swagger-ui-bundle.js", "favicon-32x32.png"]);

/** `/api/openapi.json` and `/api/docs`, from this server's own files: no other host is asked. */
export function mountDocs(
  app: Hono<ApiEnv>,
  input: { contracts: Record<string, JobContract>; routes: Record<string, RouteContract>; version: string },
): void {
  const folder = staticFolder(
    path.dirname(createRequire(import.meta.url).resolve("swagger-ui-dist/package.json")),
  );
  const text = JSON.stringify(openApiDocument(input));
  const etag = etagOf(text);
  app.get("/api/openapi.json", (c) => {
    c.set("route", "openapi");
    const headers = { "content-type": "application/json; charset=utf-8", "cache-control": "no-cache", etag };
    return c.req.header("if-none-match") === etag ? c.body(null, 304, headers) : c.body(text, 200, headers);
  });
  app.get("/api/docs", (c) => {
    c.set("route", "docs");
    return c.html(page);
  });
  app.get("/api/docs/page.js", (c) =>
    c.body(script, 200, { "content-type": "text/javascript; charset=utf-8" }),
  );
  app.get("/api/docs/:file", async (c) => {
    c.set("route", "docs");
    const name = c.req.param("file");
    const found = files.has(name) ? await folder.serve(name, c.req.raw) : undefined;
    return found ?? c.notFound();
  });
}
