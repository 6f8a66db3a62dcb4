import { setFlagsFromString } from "node:v8";
import { Worker } from "node:worker_threads";
import type { WorkerOptions } from "node:worker_threads";

/**
 * A thread, safe beside others that come and go. Every thread has Node's WebAssembly (it strips the types of our modules) whose
 * calls into JavaScript V8 compiles again after a thousand; two threads that do so, or end, at once make V8 of Node 24
 * end the whole process ("Check failed: jit_page.has_value()" in UnregisterWasmAllocation). So they are never compiled again.
 */
export function createThread(entry: URL, options: WorkerOptions): Worker {
  setFlagsFromString("--wasm-wrapper-tiering-budget=2147483647");
  return new Worker(entry, options);
}
