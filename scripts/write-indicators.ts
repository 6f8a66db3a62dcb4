/** Writes docs/indicators.md and a small picture of each indicator from the registry; `--check` fails where they differ. */
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { indicatorPage } from "../packages/formula/src/catalogue.ts";
import { registry } from "../packages/quant/src/index.ts";
import { drawIndicators } from "./indicatorPictures.ts";

const docs = join(import.meta.dirname, "../docs");
const folder = join(docs, "images/indicators");
const pictures = drawIndicators(registry.values());
const files = new Map([
  [join(docs, "indicators.md"), indicatorPage(new Set(pictures.keys()))],
  ...[...pictures].map(([name, text]) => [join(folder, `${name}.svg`), text] as const),
]);
const kept = existsSync(folder) ? readdirSync(folder).map((name) => join(folder, name)) : [];
const stale = kept.filter((file) => !files.has(file));
if (process.argv.includes("--check")) {
  const other = [...files].filter(([file, text]) => !existsSync(file) || readFileSync(file, "utf8") !== text);
  for (const file of [...other.map(([name]) => name), ...stale]) console.log(`not current: ${file}`);
  if (other.length + stale.length > 0) {
    console.log("run node scripts/write-indicators.ts");
    process.exitCode = 1;
  }
} else {
  mkdirSync(folder, { recursive: true });
  for (const file of stale) rmSync(file);
  for (const [file, text] of files) writeFileSync(file, text);
}
