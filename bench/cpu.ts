import { readdirSync, readFileSync } from "node:fs";
import pg from "pg";

const ticksPerSecond = 100;

interface Stat {
  parent: number;
  /** Seconds of the process itself. */
  own: number;
  /** Seconds of its children that have ended. */
  ended: number;
}

function statOf(pid: number): Stat {
  const text = readFileSync(`/proc/${pid}/stat`, "utf8");
  // The second field is the program's name in brackets, which may hold blanks.
  const fields = text
    .slice(text.lastIndexOf(")") + 2)
    .split(" ")
    .map(Number);
  const seconds = (user: number, system: number) => (fields[user]! + fields[system]!) / ticksPerSecond;
  return { parent: fields[1]!, own: seconds(11, 12), ended: seconds(13, 14) };
}

/** CPU seconds a process has used, its threads included. Linux only. */
export function cpuSeconds(pid: number): number {
  return statOf(pid).own;
}

/** CPU seconds of a PostgreSQL server: the postmaster and all its backends, those that have ended too. Linux only. */
export async function postgresCpu(url: string): Promise<() => number> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  const { rows } = await client.query<{ pid: number }>("select pg_backend_pid() as pid");
  const server = statOf(rows[0]!.pid).parent;
  await client.end();
  return () => {
    const { own, ended } = statOf(server);
    let sum = own + ended;
    for (const name of readdirSync("/proc")) {
      if (!/^\d+$/.test(name)) continue;
      try {
        const stat = statOf(Number(name));
        if (stat.parent === server) sum += stat.own;
      } catch {
        // It ended in between: then it is among the server's ended children.
      }
    }
    return sum;
  };
}
