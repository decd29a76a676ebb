// node build-starlingmonkey.mjs ENTRY WIT-FOLDER OUT
import { mkdtemp, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { build } from "esbuild";
import { componentize } from "@bytecodealliance/componentize-js";

const [entry, witPath, out] = process.argv.slice(2);
const sourcePath = join(await mkdtemp(join(tmpdir(), "skill-")), "skill.js");
await build({
  entryPoints: [entry],
  bundle: true,
  format: "esm",
  target: "es2022",
  external: ["coworker:*", "wasi:*"],
  outfile: sourcePath,
});
// Clocks and randomness stay. Without them the time is the build's, and random numbers repeat.
const { component } = await componentize({
  sourcePath,
  witPath,
  worldName: "tidy",
  disableFeatures: ["fetch-event", "http"],
});
await writeFile(out, component);
