/** A PDF of pages of text runs at places in points, written by hand; `locked` makes it ask for a password. */
export function pdfOf(
  pages: readonly (readonly { x: number; y: number; text: string }[])[],
  options: { locked?: boolean; title?: string } = {},
): Uint8Array {
  const escaped = (text: string) => text.replaceAll(/[\\()]/g, (sign) => `\\${sign}`);
  const objects: string[] = [];
  const kids = pages.map((_, i) => `${4 + 2 * i} 0 R`).join(" ");
  objects.push("<< /Type /Catalog /Pages 2 0 R >>");
  objects.push(`<< /Type /Pages /Kids [${kids}] /Count ${pages.length} >>`);
  objects.push("<< /Type /Font /Subtype /Type1 /BaseFont /Courier >>");
  for (const [i, runs] of pages.entries()) {
    const content = runs
      .map(({ x, y, text }) => `BT /F1 10 Tf ${x} ${y} Td (${escaped(text)}) Tj ET`)
      .join("\n");
    objects.push(
      `<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents ${5 + 2 * i} 0 R /Resources << /Font << /F1 3 0 R >> >> >>`,
    );
    objects.push(`<< /Length ${content.length} >>\nstream\n${content}\nendstream`);
  }
  const info = objects.push(`<< /Title (${escaped(options.title ?? "")}) >>`);
  const locked = options.locked === true;
  // Keys that no password fits.
  const encrypt = locked
    ? objects.push(`<< /Filter /Standard /V 1 /R 2 /O <${"41".repeat(32)}> /U <${"42".repeat(32)}> /P -4 >>`)
    : 0;
  let file = "%PDF-1.4\n";
  const places = objects.map((object, i) => {
    const at = file.length;
    file += `${i + 1} 0 obj\n${object}\nendobj\n`;
    return at;
  });
  const start = file.length;
  file += `xref\n0 ${objects.length + 1}\n0000000000 65535 f \n`;
  file += places.map((at) => `${String(at).padStart(10, "0")} 00000 n \n`).join("");
  const id = locked ? ` /Encrypt ${encrypt} 0 R /ID [<${"43".repeat(16)}> <${"43".repeat(16)}>]` : "";
  file += `trailer\n<< /Size ${objects.length + 1} /Root 1 0 R /Info ${info} 0 R${id} >>\nstartxref\n${start}\n%%EOF\n`;
  return Buffer.from(file, "latin1");
}

/** Lines of text as runs of a page, one below the other; two blanks or more begin a run at its column. */
export function runsOf(lines: readonly string[]): { x: number; y: number; text: string }[] {
  return lines.flatMap((line, i) =>
    [...line.matchAll(/\S+(?: \S+)*/g)].map((match) => ({
      x: 50 + 6 * match.index,
      y: 740 - 14 * i,
      text: match[0],
    })),
  );
}
