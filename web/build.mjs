// Bundles src/ into one page: script and style inside index.html, gzipped to ../build/web/index.html.gz.
import { build } from "esbuild";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { gzipSync } from "node:zlib";

const LIMIT_BYTES = 150 * 1024;
const result = await build({
  entryPoints: ["src/main.tsx"],
  bundle: true,
  minify: true,
  write: false,
  outdir: "out",
  target: "es2021",
  format: "iife",
  legalComments: "none",
  jsx: "automatic",
  jsxImportSource: "preact",
});
const text = (suffix) => result.outputFiles.find((file) => file.path.endsWith(suffix)).text;
// A function as replacement: the bundle may hold "$&" and the like.
const page = readFileSync("src/index.html", "utf8")
  .replace("/*STYLE*/", () => text(".css").trim())
  .replace("/*SCRIPT*/", () => text(".js").trim().replaceAll("</script", "<\\/script"));
const packed = gzipSync(page, { level: 9 });
if (packed.length > LIMIT_BYTES) throw new Error(`the page is ${packed.length} bytes gzipped, the limit is ${LIMIT_BYTES}`);
mkdirSync("../build/web", { recursive: true });
writeFileSync("../build/web/index.html.gz", packed);
console.log(`web: ${page.length} bytes, ${packed.length} gzipped`);
