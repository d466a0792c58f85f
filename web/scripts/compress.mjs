// Writes a brotli twin beside every built text file, so that the server never compresses at run time.
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { brotliCompressSync, constants } from "node:zlib";

const dist = fileURLToPath(new URL("../dist", import.meta.url));
const text = /\.(html|js|css|svg|json)$/;
const options = { params: { [constants.BROTLI_PARAM_QUALITY]: 11 } };
let before = 0;
let after = 0;
for (const entry of readdirSync(dist, { recursive: true, withFileTypes: true })) {
  if (!entry.isFile() || !text.test(entry.name)) continue;
  const path = join(entry.parentPath, entry.name);
  const raw = readFileSync(path);
  const small = brotliCompressSync(raw, options);
  writeFileSync(`${path}.br`, small);
  before += raw.length;
  after += small.length;
}
console.log(`compressed ${Math.round(before / 1024)} kB to ${Math.round(after / 1024)} kB`);
