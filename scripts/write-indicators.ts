/** Writes docs/indicators.md from the registry of indicators. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { indicatorPage } from "../packages/formula/src/catalogue.ts";

writeFileSync(join(import.meta.dirname, "../docs/indicators.md"), indicatorPage());
