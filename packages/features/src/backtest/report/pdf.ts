import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { create } from "fontkit";
import type { Font } from "fontkit";
import PDFDocument from "pdfkit";
import type { Drawing, Ink } from "./drawing/shapes.ts";
import type { Block, DocumentFigure, DocumentTable, ReportDocument } from "./documents/document.ts";

const colors: Record<Ink, string> = {
  text: "#1c2430",
  dim: "#5c6a7a",
  grid: "#d5dbe2",
  strategy: "#2563c9",
  benchmark: "#8a94a1",
  other: "#b7791f",
  good: "#17834f",
  bad: "#c43c3c",
};

/** A face of the report: what is embedded of it are the characters used. */
interface Face {
  name: string;
  bytes: Buffer;
  font: Font;
}

const require = createRequire(import.meta.url);

function loadFace(name: string): Face {
  const bytes = readFileSync(require.resolve(`dejavu-fonts-ttf/ttf/${name}.ttf`));
  return { name, bytes, font: create(bytes) as Font };
}

/** DejaVu Sans: Latin, Greek, Cyrillic and signs of currencies, among others. */
const regular = loadFace("DejaVuSans");
const bold = loadFace("DejaVuSans-Bold");
const margin = 40;
const gap = 14;
const columnsOfFigures = 3;
/** Rows of one table that are printed; a file of tables has the rest. */
const printedRows = 60;

type Pdf = PDFKit.PDFDocument;

const unknownCharacter = "\uFFFD";

/** The text with a sign in the place of each character that the faces do not have. */
function printable(text: string): string {
  const known = (character: string) =>
    [regular, bold].every(({ font }) => font.hasGlyphForCodePoint(character.codePointAt(0)!));
  return Array.from(text, (character) => (known(character) ? character : unknownCharacter)).join("");
}

const left = margin;
const widthOf = (pdf: Pdf) => pdf.page.width - 2 * margin;

/** Begins a page where so much does not fit on this one. */
function room(pdf: Pdf, height: number): void {
  if (pdf.y + height > pdf.page.height - margin) pdf.addPage();
}

function paragraph(pdf: Pdf, text: string, size: number, ink: Ink, face = regular): void {
  pdf.font(face.name).fontSize(size).fillColor(colors[ink]);
  room(pdf, pdf.heightOfString(printable(text), { width: widthOf(pdf) }));
  pdf.text(printable(text), left, pdf.y, { width: widthOf(pdf) });
}

function addFigures(pdf: Pdf, figures: readonly DocumentFigure[]): void {
  const width = (widthOf(pdf) - (columnsOfFigures - 1) * gap) / columnsOfFigures;
  for (let start = 0; start < figures.length; start += columnsOfFigures) {
    const row = figures.slice(start, start + columnsOfFigures);
    const heights = row.map(
      (one) => 30 + pdf.font(regular.name).fontSize(7.5).heightOfString(printable(one.reading), { width }),
    );
    room(pdf, Math.max(...heights));
    const top = pdf.y;
    row.forEach(({ label, value, reading }, k) => {
      const x = left + k * (width + gap);
      pdf.font(regular.name).fontSize(8.5).fillColor(colors.dim).text(printable(label), x, top, { width });
      pdf
        .font(bold.name)
        .fontSize(13)
        .fillColor(colors.text)
        .text(printable(value), x, top + 11, { width });
      pdf
        .font(regular.name)
        .fontSize(7.5)
        .fillColor(colors.dim)
        .text(printable(reading), x, top + 27, { width });
    });
    pdf.y = top + Math.max(...heights) + 6;
  }
}

function addDrawing(pdf: Pdf, drawing: Drawing): void {
  const zoom = widthOf(pdf) / drawing.width;
  const legendHeight = drawing.legend.length > 0 ? 14 : 0;
  room(pdf, drawing.height * zoom + legendHeight);
  let x = left;
  for (const { label, ink } of drawing.legend) {
    pdf.rect(x, pdf.y, 8, 8).fillColor(colors[ink]).fillOpacity(1).fill();
    pdf.font(regular.name).fontSize(8).fillColor(colors.dim);
    pdf.text(printable(label), x + 12, pdf.y, { lineBreak: false });
    x += 28 + pdf.widthOfString(printable(label));
  }
  const top = pdf.y + legendHeight;
  pdf.save().translate(left, top).scale(zoom);
  for (const shape of drawing.shapes) {
    const color = colors[shape.ink];
    switch (shape.kind) {
      case "line":
        pdf
          .moveTo(...shape.from)
          .lineTo(...shape.to)
          .lineWidth(0.8)
          .strokeColor(color);
        if (shape.dashed === true) pdf.dash(5, { space: 4 }).stroke().undash();
        else pdf.stroke();
        break;
      case "path":
        shape.points.forEach(([px, py], i) => (i === 0 ? pdf.moveTo(px, py) : pdf.lineTo(px, py)));
        pdf.lineWidth(shape.width).lineJoin("round").strokeColor(color).stroke();
        break;
      case "area":
        pdf
          .polygon(...shape.points.map(([px, py]) => [px, py]))
          .fillColor(color, shape.opacity)
          .fill();
        break;
      case "text": {
        pdf.font(regular.name).fontSize(shape.size).fillColor(color, 1);
        const text = printable(shape.text);
        const shift =
          shape.anchor === "start" ? 0 : pdf.widthOfString(text) / (shape.anchor === "middle" ? 2 : 1);
        pdf.text(text, shape.at[0] - shift, shape.at[1] - shape.size * 0.8, { lineBreak: false });
        break;
      }
    }
  }
  pdf.restore().fillOpacity(1);
  pdf.y = top + drawing.height * zoom;
}

const tableSize = 7.5;

/** Widths by the longest text, the wide ones cut to fit the page. */
function columnWidths(pdf: Pdf, { columns, rows }: DocumentTable): number[] {
  pdf.font(regular.name).fontSize(tableSize);
  const wanted = columns.map(
    (column, k) =>
      8 +
      Math.max(
        ...[column.label, ...rows.map((row) => row[k]!)].map((text) => pdf.widthOfString(printable(text))),
      ),
  );
  const total = wanted.reduce((sum, width) => sum + width, 0);
  if (total <= widthOf(pdf)) return wanted.map((width) => width + (widthOf(pdf) - total) / columns.length);
  const fair = widthOf(pdf) / columns.length;
  const narrow = wanted.reduce((sum, width) => sum + Math.min(width, fair), 0);
  const wide = wanted.reduce((sum, width) => sum + Math.max(0, width - fair), 0);
  return wanted.map(
    (width) => Math.min(width, fair) + (Math.max(0, width - fair) / wide) * (widthOf(pdf) - narrow),
  );
}

function addTable(pdf: Pdf, table: DocumentTable): void {
  const shown = { columns: table.columns, rows: table.rows.slice(0, printedRows) };
  const widths = columnWidths(pdf, shown);
  const addRow = (texts: readonly string[], ink: Ink, face: Face) => {
    pdf.font(face.name).fontSize(tableSize);
    const heights = texts.map((text, k) => pdf.heightOfString(printable(text), { width: widths[k]! - 6 }));
    const height = Math.max(...heights) + 4;
    room(pdf, height);
    const top = pdf.y;
    let x = left;
    texts.forEach((text, k) => {
      const align = table.columns[k]!.numeric ? "right" : "left";
      pdf.fillColor(colors[ink]).text(printable(text), x, top + 2, { width: widths[k]! - 6, align });
      x += widths[k]!;
    });
    pdf.y = top + height;
    pdf
      .moveTo(left, pdf.y)
      .lineTo(left + widthOf(pdf), pdf.y)
      .lineWidth(0.4)
      .strokeColor(colors.grid)
      .stroke();
  };
  addRow(
    table.columns.map((column) => column.label),
    "dim",
    bold,
  );
  for (const row of shown.rows) addRow(row, "text", regular);
  const leftOut = table.rows.length - shown.rows.length;
  if (leftOut > 0) paragraph(pdf, `and ${leftOut.toLocaleString("en-US")} more rows`, tableSize, "dim");
}

function addBlock(pdf: Pdf, block: Block): void {
  room(pdf, 90);
  pdf.y += gap;
  paragraph(pdf, block.title, 12, "text", bold);
  pdf.y += 4;
  switch (block.kind) {
    case "figures":
      if (block.lead !== undefined) {
        paragraph(pdf, block.lead, 8.5, "dim");
        pdf.y += 4;
      }
      addFigures(pdf, block.figures);
      return;
    case "drawing":
      addDrawing(pdf, block.drawing);
      break;
    case "table":
      addTable(pdf, block.table);
      break;
    case "notes":
      for (const line of block.lines) paragraph(pdf, `• ${line}`, 8.5, "text");
      return;
  }
  if (block.note !== undefined) paragraph(pdf, block.note, 8, "dim");
}

/** A report as a PDF file on A4, with the glyphs that it uses inside. The same report gives the same bytes. */
export async function reportPdf(report: ReportDocument): Promise<Buffer<ArrayBuffer>> {
  const pdf = new PDFDocument({
    size: "A4",
    margin,
    info: { Title: report.title, Creator: "Tapedeck", CreationDate: new Date(0) },
  });
  for (const { name, bytes } of [regular, bold]) pdf.registerFont(name, bytes);
  const chunks: Buffer[] = [];
  pdf.on("data", (chunk: Buffer) => chunks.push(chunk));
  const ended = new Promise<void>((resolve) => pdf.on("end", resolve));
  paragraph(pdf, report.title, 18, "text", bold);
  paragraph(pdf, report.subtitle, 9.5, "dim");
  for (const warning of report.warnings) paragraph(pdf, warning, 9, "bad");
  for (const block of report.blocks) addBlock(pdf, block);
  pdf.y += gap;
  for (const [name, value] of report.sources) paragraph(pdf, `${name}: ${value}`, 7, "dim");
  pdf.end();
  await ended;
  return Buffer.concat(chunks);
}
