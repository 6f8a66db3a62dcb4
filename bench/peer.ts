import { spawnSync } from "node:child_process";
import { join } from "node:path";

export interface PeerRun {
  readonly version: string;
  readonly rates: readonly number[];
}

/**
 * Runs `bench/SCRIPT` with the Python that PEERS_PYTHON names; it prints one JSON line. Undefined, with a remark on
 * standard error, where no Python is named or it lacks the peer.
 */
export function runPythonPeer(peer: string, script: string, args: readonly string[]): PeerRun | undefined {
  const python = process.env["PEERS_PYTHON"];
  if (!python) {
    console.error(`${peer} is left out: PEERS_PYTHON names no Python`);
    return undefined;
  }
  const found = spawnSync(python, [join(import.meta.dirname, script), ...args], { encoding: "utf8" });
  if (found.status === 0) return JSON.parse(found.stdout.trim()) as PeerRun;
  if (!found.stderr.includes("ModuleNotFoundError")) throw new Error(`${peer} failed: ${found.stderr}`);
  console.error(`${peer} is left out: ${python} does not have it`);
  return undefined;
}
