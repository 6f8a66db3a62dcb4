import type { WriteStream } from "node:tty";

/** How text leaves the CLI: colour and moving bars on a terminal, plain lines when piped. */
export interface Output {
  /** Results: standard output. */
  print(text: string): void;
  /** Progress and remarks: standard error, so that results can be piped. */
  note(text: string): void;
  bar(label: string): ProgressBar;
  readonly style: Style;
}

export interface ProgressBar {
  /** fraction in [0, 1], or undefined when the end is not known. */
  update(fraction: number | undefined, detail: string): void;
  done(text: string): void;
  /** Ended neither well nor in failure: `declined`. */
  ended(mark: string, text: string): void;
  fail(text: string): void;
}

export interface Style {
  bold(text: string): string;
  dim(text: string): string;
  green(text: string): string;
  red(text: string): string;
  cyan(text: string): string;
}

const barWidth = 24;

function styleFor(colour: boolean): Style {
  const wrap = (open: number, close: number) => (text: string) =>
    colour ? `\u001b[${open}m${text}\u001b[${close}m` : text;
  return { bold: wrap(1, 22), dim: wrap(2, 22), green: wrap(32, 39), red: wrap(31, 39), cyan: wrap(36, 39) };
}

export function createOutput(out: WriteStream, err: WriteStream, noColor: boolean): Output {
  const moving = err.isTTY === true;
  const style = styleFor(out.isTTY === true && !noColor);
  const errStyle = styleFor(moving && !noColor);
  return {
    style,
    print: (text) => void out.write(`${text}\n`),
    note: (text) => void err.write(`${text}\n`),
    bar(label) {
      let quarter = -1;
      const clear = () => moving && err.write("\r\u001b[2K");
      const end = (mark: string, text: string) => {
        clear();
        err.write(`${mark} ${label}${text === "" ? "" : `: ${text}`}\n`);
      };
      return {
        update(fraction, detail) {
          if (moving) {
            const columns = Math.max(20, (err.columns ?? 80) - 1);
            const filled = Math.round((fraction ?? 0) * barWidth);
            const bar =
              fraction === undefined ? "" : `${"█".repeat(filled)}${"░".repeat(barWidth - filled)} `;
            err.write(`\r\u001b[2K${`  ${bar}${label} ${detail}`.slice(0, columns)}`);
            return;
          }
          const now = Math.floor((fraction ?? 0) * 4);
          if (now === quarter) return;
          quarter = now;
          err.write(
            `  ${label}${fraction === undefined ? "" : ` ${Math.round(fraction * 100)} %`} ${detail}\n`,
          );
        },
        ended: (mark, text) => end(mark, text),
        done: (text) => end(errStyle.green("ok"), text),
        fail: (text) => end(errStyle.red("failed"), text),
      };
    },
  };
}

/** The same output with its results set in. */
export function indented(out: Output, margin: string): Output {
  return { ...out, print: (text) => out.print(text.replaceAll(/^/gm, margin)) };
}

/** Columns padded to their widest cell; numbers to the right. */
export function table(header: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = header.map((name, i) => Math.max(name.length, ...rows.map((row) => (row[i] ?? "").length)));
  const line = (cells: readonly string[]) =>
    cells
      .map((cell, i) =>
        /^[-+]?[\d,.]+ ?%?$/.test(cell) ? cell.padStart(widths[i]!) : cell.padEnd(widths[i]!),
      )
      .join("  ")
      .trimEnd();
  return [line(header), line(widths.map((width) => "-".repeat(width))), ...rows.map(line)].join("\n");
}
