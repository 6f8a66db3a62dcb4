import { createHash } from "node:crypto";
import { readFile, stat } from "node:fs/promises";
import path from "node:path";
import { promisify } from "node:util";
import { gzip } from "node:zlib";

const gzipAsync = promisify(gzip);
const maxCachedBytes = 64 * 1_048_576;

const types: Record<string, string> = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".mjs": "text/javascript; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".json": "application/json; charset=utf-8",
  ".webmanifest": "application/manifest+json",
  ".svg": "image/svg+xml",
  ".png": "image/png",
  ".ico": "image/x-icon",
  ".woff2": "font/woff2",
  ".txt": "text/plain; charset=utf-8",
};

interface CachedFile {
  mtimeMs: number;
  plain: Uint8Array<ArrayBuffer>;
  zipped: Uint8Array<ArrayBuffer> | undefined;
  etag: string;
}

export interface StaticFolder {
  /** The file's answer; undefined when there is no such file. `name` is relative; what leaves the folder is not found. */
  serve(name: string, request: Request): Promise<Response | undefined>;
}

/** Serves a folder of built files from memory, read anew when a file changes. Names with a hash in them are kept by browsers for a year. */
export function staticFolder(root: string): StaticFolder {
  const cache = new Map<string, CachedFile>();
  let cachedBytes = 0;

  async function load(file: string): Promise<CachedFile | undefined> {
    const info = await stat(file).catch(() => undefined);
    if (info === undefined || !info.isFile()) return undefined;
    const known = cache.get(file);
    if (known !== undefined && known.mtimeMs === info.mtimeMs) return known;
    const plain = new Uint8Array(await readFile(file));
    const compressible = /^(text|application)\/|svg/.test(types[path.extname(file)] ?? "");
    const zipped = compressible && plain.length > 1_024 ? new Uint8Array(await gzipAsync(plain)) : undefined;
    const hash = createHash("sha256").update(plain).digest("base64url").slice(0, 27);
    const entry = { mtimeMs: info.mtimeMs, plain, zipped, etag: `W/"${hash}"` };
    cachedBytes += plain.length + (zipped?.length ?? 0);
    if (cachedBytes > maxCachedBytes) {
      cache.clear();
      cachedBytes = plain.length + (zipped?.length ?? 0);
    }
    cache.set(file, entry);
    return entry;
  }

  return {
    async serve(name, request) {
      const file = path.join(root, path.normalize(`/${name}`));
      if (file !== root && !file.startsWith(root + path.sep)) return undefined;
      const found = await load(file);
      if (found === undefined) return undefined;
      const isHashed = /[.-][A-Za-z0-9_-]{8,}\.\w+$/.test(name) && name.includes("assets/");
      const headers: Record<string, string> = {
        "content-type": types[path.extname(file)] ?? "application/octet-stream",
        "cache-control": isHashed ? "public, max-age=31536000, immutable" : "no-cache",
        etag: found.etag,
        vary: "accept-encoding",
      };
      if (request.headers.get("if-none-match") === found.etag)
        return new Response(null, { status: 304, headers });
      const zip = found.zipped !== undefined && /\bgzip\b/.test(request.headers.get("accept-encoding") ?? "");
      if (zip) headers["content-encoding"] = "gzip";
      return new Response(zip ? found.zipped! : found.plain, { headers });
    },
  };
}
