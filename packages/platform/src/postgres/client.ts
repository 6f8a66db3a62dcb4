import { hash } from "node:crypto";
import pg from "pg";

interface Wire {
  connection: { stream: { bytesRead: number; bytesWritten: number; destroy(error: Error): void } };
  processID: number | null;
}

const probeMs = 2_500;

/**
 * A text that begins so is prepared: parsed once a connection instead of at every call. For texts that are constant
 * and name their columns (a plan of `select *` fails once a migration adds one).
 */
const preparedMark = "/* prepared */";
const names = new Map<string, string>();

function nameOf(text: string): string {
  let name = names.get(text);
  if (name === undefined) {
    name = `tapedeck_${hash("sha256", text, "hex").slice(0, 32)}`;
    names.set(text, name);
  }
  return name;
}

/** A statement that begins so takes the bytes of its rows, in the server's binary format, as its one value. */
const copyMark = "copy ";

/** Sends rows as they are when the server asks for them. */
class CopyQuery extends pg.Query {
  readonly #rows: Uint8Array;

  constructor(text: string, rows: Uint8Array, callback: (error: Error | null, result: unknown) => void) {
    super({ text }, callback as never);
    this.#rows = rows;
  }

  handleCopyInResponse(connection: { sendCopyFromChunk(rows: Uint8Array): void; endCopyFrom(): void }): void {
    connection.sendCopyFromChunk(this.#rows);
    connection.endCopyFrom();
  }
}

/** Does the server work on what this session asked? No answer to that is a no. */
async function isWorking(config: pg.ClientConfig, processId: number | null): Promise<boolean> {
  const probe = new pg.Client({
    ...config,
    application_name: "tapedeck probe",
    connectionTimeoutMillis: probeMs,
    query_timeout: probeMs,
  });
  probe.on("error", () => undefined);
  try {
    await probe.connect();
    const { rowCount } = await probe.query(
      "select 1 from pg_stat_activity where pid = $1 and state = 'active'",
      [processId],
    );
    return rowCount === 1;
  } catch {
    return false;
  } finally {
    probe.end().catch(() => undefined);
  }
}

/**
 * A client class that finds out when its connection is dead though nobody said so: when a query has had no byte of
 * answer for `silenceMs`, a second connection asks the server whether it works on it. If not, the connection is
 * destroyed and the query fails. Without this, a query whose packets vanish waits until the kernel gives up, a
 * quarter of an hour later; a plain time limit would also end statements that are only slow.
 */
export function watchedClient(silenceMs: number): typeof pg.Client {
  return class WatchedClient extends pg.Client {
    readonly #config: pg.ClientConfig;
    #timer: NodeJS.Timeout | undefined;

    constructor(config?: string | pg.ClientConfig) {
      super(config);
      this.#config = typeof config === "string" ? { connectionString: config } : { ...config };
      const rest = () => {
        clearTimeout(this.#timer);
        this.#timer = undefined;
      };
      this.on("drain", rest);
      this.on("end", rest);
    }

    #watch(): void {
      const { connection, processID } = this as unknown as Wire;
      const { stream } = connection;
      const seen = stream.bytesRead + stream.bytesWritten;
      const timer = setTimeout(() => {
        void (async () => {
          const moved = stream.bytesRead + stream.bytesWritten !== seen;
          const alive = moved || (await isWorking(this.#config, processID));
          // The answer may have come while the server was asked.
          if (this.#timer !== timer) return;
          if (alive || stream.bytesRead + stream.bytesWritten !== seen) return this.#watch();
          this.#timer = undefined;
          stream.destroy(new Error(`the database connection was dead: no answer for ${silenceMs} ms`));
        })();
      }, silenceMs);
      timer.unref();
      this.#timer = timer;
    }

    // The driver's overloads (text, config, submittable, callback) pass through, but for the text's name and rows.
    override query(...args: unknown[]): never {
      const [text, values] = args;
      if (typeof text === "string" && text.startsWith(copyMark))
        return new Promise((resolve, reject) => {
          const [rows] = values as [Uint8Array];
          this.query(
            new CopyQuery(text, rows, (error, result) => (error === null ? resolve(result) : reject(error))),
          );
        }) as never;
      if (typeof text === "string" && text.startsWith(preparedMark))
        args.splice(0, 2, { name: nameOf(text), text, values });
      const asked = (super.query as (...args: unknown[]) => never).apply(this, args);
      if (this.#timer === undefined) this.#watch();
      return asked;
    }
  } as typeof pg.Client;
}
