// Writes a brotli twin beside every built text file, so that the server never compresses at run time; and refuses a
// page that fetches too much before anybody can sign in.
import { readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { brotliCompressSync, constants } from "node:zlib";

const dist = fileURLToPath(new URL("../dist", import.meta.url));
const text = /\.(html|js|css|svg|json)$/;
const FIRST_BYTES_MAX = 190_000;
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

const scripts = [...readFileSync(join(dist, "index.html"), "utf8").matchAll(/"(\/assets\/[^"]+\.js)"/g)];
const first = scripts.reduce((sum, [, path]) => sum + statSync(join(dist, `${path}.br`)).size, 0);
console.log(`scripts before signing in: ${Math.round(first / 1000)} kB`);
if (first > FIRST_BYTES_MAX) throw new Error(`${first} bytes of scripts before signing in, at most ${FIRST_BYTES_MAX}`);
