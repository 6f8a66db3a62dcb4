import { createServer } from "node:net";
import { AppError } from "@tapedeck/core";

/** Does nothing listen there? */
export function isFree(port: number, host: string): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", () => resolve(false));
    server.listen({ port, host, exclusive: true }, () => server.close(() => resolve(true)));
  });
}

/**
 * The port to listen on. One that was asked for by name must be free; the default moves to the next free of
 * twenty when another program has it.
 */
export async function choosePort(
  wanted: number,
  explicit: boolean,
  host: string,
  name: string,
): Promise<number> {
  const last = explicit ? wanted : wanted + 19;
  for (let port = wanted; port <= last; port++) if (await isFree(port, host)) return port;
  throw new AppError(
    "config.invalid",
    explicit
      ? `port ${wanted} is in use by another program; set ${name} to a free one, such as ${name}=${wanted + 1}`
      : `ports ${wanted} to ${last} are all in use; set ${name} to a free one`,
  );
}
