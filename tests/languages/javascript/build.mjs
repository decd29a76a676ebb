// node build.mjs ENTRY WIT-FOLDER OUT
import { writeFile } from "node:fs/promises";
import { build } from "esbuild";
import { componentize } from "componentize-qjs";

const [entry, witPath, out] = process.argv.slice(2);
const bundle = await build({
  entryPoints: [entry],
  bundle: true,
  format: "esm",
  target: "es2022",
  external: ["coworker:*", "wasi:*"],
  write: false,
});
// Without `sync` the component needs async functions of the component model, which the host does not have.
const { component } = await componentize({ witPath, jsSource: bundle.outputFiles[0].text, sync: true });
await writeFile(out, component);
