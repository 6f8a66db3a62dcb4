import { mkdir, open, readFile } from "node:fs/promises";
import path from "node:path";
import { AppError } from "@tapedeck/core";

async function read(file: string): Promise<string | undefined> {
  try {
    const text = (await readFile(file, "utf8")).trim();
    return text === "" ? undefined : text;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}

/** The secret in `file`; made and kept there, readable by this user alone, when there is none. Two processes at once agree on one. */
export async function keptSecret(file: string, make: () => string): Promise<string> {
  try {
    await mkdir(path.dirname(file), { recursive: true, mode: 0o700 });
    for (let attempt = 0; attempt < 20; attempt++) {
      const known = await read(file);
      if (known !== undefined) return known;
      try {
        const handle = await open(file, "wx", 0o600);
        const secret = make();
        await handle.writeFile(`${secret}\n`);
        await handle.sync();
        await handle.close();
        return secret;
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
        // Another process has just made the file and is about to fill it.
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
    }
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code ?? "unreadable";
    throw new AppError(
      "config.invalid",
      `${file} cannot be read or written (${code}); set TAPEDECK_DIR to a folder that can.`,
      { cause },
    );
  }
  throw new AppError("config.invalid", `${file} is empty; delete it, and a new secret is made.`);
}
