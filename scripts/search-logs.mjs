// Searches every log line that a test run wrote for phone numbers and secrets (requirement D5, case T26).
//
//   node scripts/search-logs.mjs <folder>
//
// The folder holds *.log, what servers and sandboxes logged, and *.secrets, one secret per line that a test made
// or used; any other file is what a program left behind, and is searched for the secrets too. A secret is found as it is,
// and written in hexadecimal digits, in base64 and for URLs. Prints every line that holds one of them, and exits 1; also
// where there is nothing to search.
import { createReadStream, readFileSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";

const folder = process.argv[2];
const files = readdirSync(folder, { recursive: true }).map(String);

const secrets = new Set(
    files
        .filter((file) => file.endsWith(".secrets"))
        .flatMap((file) => readFileSync(join(folder, file), "utf8").split("\n"))
        .map((line) => line.trim())
        .filter((line) => line.length >= 8),
);

// What looks like a secret, whoever made it. A SID (two capitals and 32 digits) opens nothing.
const SHAPES = [
    ["a phone number", /(?:\+|%2B)[1-9][0-9]{7,14}(?![0-9])/i],
    ["a token of ours", /\bdt_[A-Za-z0-9_-]{16,}/],
    ["an auth token", /(?<![A-Za-z0-9])[0-9a-f]{32}(?![A-Za-z0-9])/i],
    ["an Authorization header", /\b(?:bearer|basic)\s+[A-Za-z0-9+/=._~-]{16,}/i],
    ["a sign-in code", /\/sign-in\/[A-Za-z0-9_-]{8,}/],
];

// One expression for all secrets, the longest first, so that a run of many stays quick.
const quoted = [...secrets].sort((a, b) => b.length - a.length).map((text) => text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"));
const known = quoted.length ? new RegExp(quoted.join("|")) : /(?!)/;

// The other ways to write a secret, by their first letters. What stands before it shifts the letters of base64; those
// that also tell of the neighbours are left out.
const PREFIX = 8;
const spelled = new Map();
for (const secret of secrets) {
    for (const text of spellings(secret)) {
        if (text.length < PREFIX + 3 || text === secret) continue;
        const prefix = text.slice(0, PREFIX);
        spelled.set(prefix, [...(spelled.get(prefix) ?? []), text]);
    }
}

function spellings(secret) {
    const bytes = Buffer.from(secret);
    const hex = bytes.toString("hex");
    const percent = encodeURIComponent(secret);
    const shifted = [0, 1, 2].flatMap((offset) => {
        const all = Buffer.concat([Buffer.alloc(offset), bytes]);
        return ["base64", "base64url"].map((kind) => all.toString(kind).slice(offset + (offset > 0), Math.floor((all.length * 8) / 6)));
    });
    return [hex, hex.toUpperCase(), percent, percent.replaceAll("%20", "+"), ...shifted];
}

function isSpelled(line) {
    for (const [word] of line.matchAll(/[A-Za-z0-9+/_%=-]{11,}/g)) {
        for (let at = 0; at + PREFIX <= word.length; at += 1) {
            const texts = spelled.get(word.slice(at, at + PREFIX));
            if (texts?.some((text) => word.startsWith(text, at))) return true;
        }
    }
    return false;
}

const found = [];
let lines = 0;
for (const file of files.filter((file) => !/\.(log|secrets)$/.test(file) && statSync(join(folder, file)).isFile())) {
    const text = readFileSync(join(folder, file), "latin1");
    if (known.test(text) || isSpelled(text)) found.push(`${file}: a secret of a test`);
}
for (const file of files.filter((file) => file.endsWith(".log"))) {
    let number = 0;
    for await (const line of createInterface({ input: createReadStream(join(folder, file)), crlfDelay: Infinity })) {
        lines += 1;
        number += 1;
        const shape = SHAPES.find(([, pattern]) => pattern.test(line))?.[0] ?? ((known.test(line) || isSpelled(line)) && "a secret of a test");
        if (shape) found.push(`${file}:${number}: ${shape}: ${line.slice(0, 400)}`);
    }
}

for (const line of found.slice(0, 100)) console.error(line);
console.error(`${found.length} of ${lines} log lines hold a phone number or a secret (${secrets.size} secrets looked for)`);
if (lines === 0) console.error("There was nothing to search: no test wrote a log.");
process.exit(found.length === 0 && lines > 0 ? 0 : 1);
