import type { Kernel } from "@tapedeck/quant";
import { defaultsOf, registry } from "@tapedeck/quant";
import { signature } from "./bind.ts";
import { FUNCTIONS } from "./functions.ts";

export interface CatalogueParam {
  name: string;
  default: number;
  min: number;
  max: number;
  integer: boolean;
  meaning: string;
  choices?: string[];
}

export interface CatalogueEntry {
  name: string;
  title: string;
  group: string;
  meaning: string;
  source: string;
  inputs: string[];
  params: CatalogueParam[];
  outputs: string[];
  /** Leading bars without a value at the default parameters, until every output has one. */
  warmup: number;
  lookAhead: boolean;
  signature: string;
}

function entry(kernel: Kernel): CatalogueEntry {
  const p = defaultsOf(kernel);
  return {
    name: kernel.name,
    title: kernel.title,
    group: kernel.group,
    meaning: kernel.meaning,
    source: kernel.source,
    inputs: [...kernel.inputs],
    params: kernel.params.map(({ choices, ...q }) => ({
      ...q,
      ...(choices ? { choices: [...choices] } : {}),
    })),
    outputs: [...kernel.outputs],
    warmup: Math.max(...kernel.outputs.map((_, i) => kernel.warmup(p, i))),
    lookAhead: kernel.lookAhead ?? false,
    signature: signature(kernel),
  };
}

/** Every indicator as plain JSON, by name. */
export function indicatorCatalogue(): CatalogueEntry[] {
  return [...registry.values()].map(entry).sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** Functions of the language that are not indicators, as plain JSON. */
export function functionCatalogue(): { name: string; meaning: string; signature: string }[] {
  return [...FUNCTIONS.values()].map((f) => ({
    name: f.name,
    meaning: f.meaning,
    signature: `${f.name}(${f.argNames.join(", ")}${f.repeat ? ", ..." : ""})`,
  }));
}

/** docs/indicators.md: every indicator by group, with the pictures that there are. */
export function indicatorPage(pictures: ReadonlySet<string>): string {
  const all = indicatorCatalogue();
  const groups = [...new Set(all.map((e) => e.group))].toSorted();
  const lines = [
    "# Indicators",
    "",
    "Written from the registry by `node scripts/write-indicators.ts`, pictures included: made-up bars, grey is the close. Warm-up:",
    "bars before every output has a value, at the default parameters. How to call them: docs/formula.md; your own:",
    "docs/custom-indicators.md; compared with references: docs/exactness.md, with technicalindicators:",
    "docs/indicators-compared.md.",
  ];
  for (const group of groups) {
    lines.push(
      "",
      `## ${group}`,
      "",
      "| call | gives | outputs | warm-up | source | |",
      "|---|---|---|---|---|---|",
    );
    for (const e of all.filter((x) => x.group === group)) {
      const outputs = e.outputs.length === 1 ? "" : e.outputs.join(", ");
      const about = `**${e.title}.** ${e.meaning}${e.lookAhead ? " **Looks ahead.**" : ""}`;
      const picture = pictures.has(e.name) ? `![${e.title}](images/indicators/${e.name}.svg)` : "";
      const cells = [`\`${e.signature}\``, about, outputs, String(e.warmup), e.source, picture];
      lines.push(`| ${cells.map((c) => c.replaceAll("|", "\\|")).join(" | ")} |`);
    }
  }
  return `${lines.join("\n")}\n`;
}
