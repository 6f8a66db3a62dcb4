import { inks } from "./drawing/shapes.ts";
import type { Ink } from "./drawing/shapes.ts";
import { drawingSvg, escapeText } from "./drawing/svg.ts";
import type { Block, DocumentTable, ReportDocument } from "./documents/document.ts";

type Palette = Record<Ink, string>;

const light: Palette = {
  text: "#1c2430",
  dim: "#5c6a7a",
  grid: "#dfe4ea",
  strategy: "#2563c9",
  benchmark: "#8a94a1",
  other: "#b7791f",
  good: "#17834f",
  bad: "#c43c3c",
};

const dark: Palette = {
  text: "#e6eaf0",
  dim: "#98a5b5",
  grid: "#2b3644",
  strategy: "#6ea8ff",
  benchmark: "#8592a3",
  other: "#e0a84b",
  good: "#4cc38a",
  bad: "#f07178",
};

const paletteCss = (palette: Palette, paper: string, panel: string) =>
  `${inks.map((ink) => `--ink-${ink}:${palette[ink]}`).join(";")};--paper:${paper};--panel:${panel}`;

const style = `
:root{color-scheme:light dark;${paletteCss(light, "#f6f8fa", "#ffffff")}}
@media (prefers-color-scheme:dark){:root{${paletteCss(dark, "#11161d", "#18202a")}}}
*{box-sizing:border-box}
body{margin:0;background:var(--paper);color:var(--ink-text);font:15px/1.5 system-ui,sans-serif}
main{max-width:1000px;margin:0 auto;padding:24px 16px}
h1{font-size:24px;margin:0}h2{font-size:17px;margin:0 0 8px}
p{margin:4px 0}.dim{color:var(--ink-dim)}
section{background:var(--panel);border:1px solid var(--ink-grid);border-radius:8px;padding:14px;margin-top:14px;overflow-x:auto}
section.first{border-color:var(--ink-strategy)}
.warning{border-left:4px solid var(--ink-other);background:var(--panel);padding:8px 12px;margin-top:8px}
.figures{display:grid;grid-template-columns:repeat(auto-fill,minmax(200px,1fr));gap:12px}
.figures b{display:block;font-size:20px}.figures small{color:var(--ink-dim)}
svg{width:100%;height:auto;min-width:560px;display:block}
svg text{font-family:system-ui,sans-serif}
svg line{stroke-width:1}
.legend{display:flex;flex-wrap:wrap;gap:14px;color:var(--ink-dim);font-size:13px;margin-bottom:4px}
.legend i{display:inline-block;width:12px;height:12px;border-radius:2px;margin-right:5px;vertical-align:-1px}
table{border-collapse:collapse;width:100%;font-size:14px}
th{text-align:left;color:var(--ink-dim);font-weight:500}
th,td{padding:4px 8px;border-bottom:1px solid var(--ink-grid);vertical-align:top}
.num{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}
footer{margin-top:18px;font-size:13px;color:var(--ink-dim);overflow-wrap:anywhere}
@media print{section{break-inside:avoid}}
`;

function tableHtml({ columns, rows }: DocumentTable): string {
  const cell = (tag: "th" | "td", text: string, numeric: boolean) =>
    `<${tag}${numeric ? ' class="num"' : ""}>${escapeText(text)}</${tag}>`;
  const line = (tag: "th" | "td", texts: readonly string[]) =>
    `<tr>${texts.map((text, k) => cell(tag, text, columns[k]!.numeric)).join("")}</tr>`;
  return `<table><thead>${line(
    "th",
    columns.map((column) => column.label),
  )}</thead><tbody>${rows.map((row) => line("td", row)).join("")}</tbody></table>`;
}

function blockBody(block: Block): string {
  switch (block.kind) {
    case "figures": {
      const lead = block.lead === undefined ? "" : `<p class="dim">${escapeText(block.lead)}</p>`;
      const figures = block.figures.map(
        ({ label, value, reading }) =>
          `<div>${escapeText(label)}<b>${escapeText(value)}</b><small>${escapeText(reading)}</small></div>`,
      );
      return `${lead}<div class="figures">${figures.join("")}</div>`;
    }
    case "drawing": {
      const legend = block.drawing.legend.map(
        ({ label, ink }) => `<span><i style="background:var(--ink-${ink})"></i>${escapeText(label)}</span>`,
      );
      const note = block.note === undefined ? "" : `<p class="dim">${escapeText(block.note)}</p>`;
      return `<div class="legend">${legend.join("")}</div>${drawingSvg(block.drawing)}${note}`;
    }
    case "table": {
      const note = block.note === undefined ? "" : `<p class="dim">${escapeText(block.note)}</p>`;
      return tableHtml(block.table) + note;
    }
    case "notes":
      return `<ul>${block.lines.map((line) => `<li>${escapeText(line)}</li>`).join("")}</ul>`;
  }
}

/** A report as one HTML file that needs nothing else: no network, no script. */
export function reportHtml(report: ReportDocument): string {
  const sections = report.blocks.map(
    (block, k) =>
      `<section${k === 0 ? ' class="first"' : ""}><h2>${escapeText(block.title)}</h2>${blockBody(block)}</section>`,
  );
  const warnings = report.warnings.map((warning) => `<p class="warning">${escapeText(warning)}</p>`);
  const sources = report.sources.map(([name, value]) => `${escapeText(name)}: ${escapeText(value)}`);
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8">
<meta http-equiv="content-security-policy" content="default-src 'none'; style-src 'unsafe-inline'">
<meta name="viewport" content="width=device-width,initial-scale=1">
<title>${escapeText(report.title)}</title><style>${style}</style></head>
<body><main><h1>${escapeText(report.title)}</h1><p class="dim">${escapeText(report.subtitle)}</p>
${warnings.join("\n")}
${sections.join("\n")}
<footer>${sources.join("<br>")}</footer></main></body></html>
`;
}
