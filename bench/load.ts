import { connect } from "node:net";

export interface LoadResult {
  /** Answers of the wanted status. */
  done: number;
  seconds: number;
  /** Of each request, ms, unsorted. */
  latenciesMs: number[];
}

/**
 * HTTP/1.1 requests over `connections` kept-alive sockets, one at a time on each, for `durationMs`. Answers must carry
 * Content-Length or be chunked; any status but `status` ends the run with an error.
 */
export async function load(options: {
  port: number;
  connections: number;
  durationMs: number;
  status: number;
  request(n: number): string;
}): Promise<LoadResult> {
  const latenciesMs: number[] = [];
  const started = performance.now();
  const end = started + options.durationMs;
  let sent = 0;
  await Promise.all(Array.from({ length: options.connections }, () => oneConnection()));
  return { done: latenciesMs.length, seconds: (performance.now() - started) / 1000, latenciesMs };

  function oneConnection(): Promise<void> {
    return new Promise((resolve, reject) => {
      const socket = connect(options.port, "127.0.0.1");
      socket.setNoDelay(true);
      let pending = "";
      let begun = 0;
      const next = () => {
        if (performance.now() >= end) return socket.end();
        begun = performance.now();
        socket.write(options.request(sent++));
      };
      socket.on("connect", next);
      socket.on("error", reject);
      socket.on("close", () => resolve());
      socket.on("data", (chunk) => {
        pending += chunk.toString("latin1");
        const head = pending.indexOf("\r\n\r\n");
        if (head < 0) return;
        const length = /content-length: (\d+)/i.exec(pending)?.[1];
        const whole =
          length === undefined ? pending.endsWith("0\r\n\r\n") : pending.length >= head + 4 + Number(length);
        if (!whole) return;
        if (!pending.startsWith(`HTTP/1.1 ${options.status} `)) {
          socket.destroy();
          return reject(new Error(`wanted ${options.status}, got: ${pending.slice(0, 400)}`));
        }
        latenciesMs.push(performance.now() - begun);
        pending = "";
        next();
      });
    });
  }
}

export function post(path: string, body: unknown, headers: Record<string, string>): string {
  const text = JSON.stringify(body);
  const lines = Object.entries({
    host: "127.0.0.1",
    "content-type": "application/json",
    "content-length": String(Buffer.byteLength(text)),
    ...headers,
  }).map(([name, value]) => `${name}: ${value}`);
  return `POST ${path} HTTP/1.1\r\n${lines.join("\r\n")}\r\n\r\n${text}`;
}

export function percentile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))]!;
}
