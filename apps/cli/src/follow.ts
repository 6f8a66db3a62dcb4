import type { Client } from "@tapedeck/client";
import type { JobView } from "@tapedeck/features/jobs/contract";
import type { ProgressBar } from "./output.ts";

/** Shows a job's progress and steps until it ends. */
export async function followJob(
  client: Client,
  jobId: string,
  bar: ProgressBar,
  signal: AbortSignal,
  onSentence?: (text: string) => void,
): Promise<JobView> {
  bar.update(undefined, "waiting");
  for await (const event of client.events(jobId, { signal })) {
    if (event.event === "progress") bar.update(...progressOf(event.data));
    else if (event.event === "step") bar.update(undefined, stepName(event.data));
    else if (event.event === "sentence" && onSentence !== undefined) onSentence(textOf(event.data));
    else if (event.event === "end") break;
  }
  return client.wait(jobId, { signal });
}

/** Any `xDone` beside `xTotal` (or `done` beside `total`) makes a fraction; the rest is shown as it is. */
export function progressOf(data: unknown): [number | undefined, string] {
  if (typeof data !== "object" || data === null) return [undefined, ""];
  const members = Object.entries(data);
  const words = members.filter(([, value]) => typeof value === "string").map(([, value]) => String(value));
  for (const [name, value] of members) {
    const total = members.find(
      ([other]) => other === name.replace(/done$/i, (end) => (end === "Done" ? "Total" : "total")),
    )?.[1];
    if (!/done$/i.test(name) || typeof value !== "number" || typeof total !== "number" || total <= 0)
      continue;
    const unit = name.replace(/done$/i, "");
    return [Math.min(1, value / total), `${words.join(" ")} ${value}/${total} ${unit}`.trim()];
  }
  const numbers = members
    .filter(([, value]) => typeof value === "number")
    .map(([name, value]) => `${name} ${String(value)}`);
  return [undefined, [...words, ...numbers].join(" ")];
}

function stepName(data: unknown): string {
  return typeof data === "object" && data !== null && "name" in data ? String(data.name) : "";
}

function textOf(data: unknown): string {
  return typeof data === "object" && data !== null && "text" in data ? String(data.text) : "";
}
