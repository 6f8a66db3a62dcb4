import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

export interface PeerRun {
  readonly version: string;
  readonly rates: readonly number[];
  /** Results that ours must agree with before the speeds are compared. */
  readonly check?: Readonly<Record<string, number>>;
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

/** The same on numbers that the script reads from the file named by its first argument, as little-endian doubles. */
export function runPythonPeerOn(
  numbers: Float64Array,
  peer: string,
  script: string,
  args: readonly string[],
): PeerRun | undefined {
  const folder = mkdtempSync(join(tmpdir(), "tapedeck-bench-"));
  const file = join(folder, "numbers.f64");
  writeFileSync(file, numbers);
  try {
    return runPythonPeer(peer, script, [file, ...args]);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** Refuses to compare speeds of results that differ by more than `tolerance`. */
export function requireAgreement(
  peer: PeerRun | undefined,
  name: string,
  ours: number,
  tolerance: number,
): void {
  const theirs = peer?.check?.[name];
  if (theirs !== undefined && !(Math.abs(ours - theirs) <= tolerance)) {
    throw new Error(`${name}: ours is ${ours}, theirs ${theirs}`);
  }
}
