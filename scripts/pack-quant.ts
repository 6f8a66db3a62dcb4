/**
 * `node scripts/pack-quant.ts [FOLDER]`: packages/quant as others install it, JavaScript with declarations, in FOLDER
 * (default packages/quant/dist); `npm publish FOLDER` then publishes it. Node runs no TypeScript under node_modules.
 */
import { execFileSync } from "node:child_process";
import { copyFileSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";

const root = resolve(import.meta.dirname, "..");
const source = join(root, "packages/quant");
const target = resolve(process.argv[2] ?? join(source, "dist"));

rmSync(target, { recursive: true, force: true });
const compiler = join(root, "node_modules/.bin/tsc");
execFileSync(compiler, ["-p", join(source, "tsconfig.package.json"), "--outDir", target], {
  stdio: "inherit",
});
const { private: _, ...manifest } = JSON.parse(readFileSync(join(source, "package.json"), "utf8")) as Record<
  string,
  unknown
>;
const entry = (name: string) => ({ types: `./${name}.d.ts`, default: `./${name}.js` });
const published = { ...manifest, exports: { ".": entry("index"), "./*": entry("*") } };
writeFileSync(join(target, "package.json"), `${JSON.stringify(published, null, 2)}\n`);
copyFileSync(join(source, "README.md"), join(target, "README.md"));
copyFileSync(join(root, "LICENSE"), join(target, "LICENSE"));
console.log(target);
