// The house rules that no compiler knows (CONTRIBUTING.md, "House rules"). Prints every breach, exits 1 on any.
import { execFileSync } from "node:child_process";
import { readFileSync, readdirSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
const read = (path) => readFileSync(join(root, path), "utf8");
const json = (path) => JSON.parse(read(path));
const run = (program, ...args) =>
    execFileSync(program, args, { cwd: root, encoding: "utf8", maxBuffer: 1 << 28, stdio: ["ignore", "pipe", "inherit"] });
const breaches = [];
const breach = (where, what) => breaches.push(`${where}: ${what}`);

// Everything but what is built and installed: new files too, so that a breach is seen before its commit.
const BUILT = new Set([".git", "target", "node_modules", "dist", "data", "screenshots", "test-results"]);
const files = walk("");
const source = (pattern) => files.filter((file) => pattern.test(file));

function walk(folder) {
    return readdirSync(join(root, folder), { withFileTypes: true }).flatMap((entry) => {
        const path = join(folder, entry.name);
        if (BUILT.has(entry.name)) return [];
        return entry.isDirectory() ? walk(path) : [path];
    });
}

// Arrows point one way: which of our crates each may use. Tests may use the testkit besides.
const ARROWS = {
    "dialtone-domain": [],
    "dialtone-sandbox": [],
    "dialtone-store": ["dialtone-domain"],
    "dialtone-providers": ["dialtone-domain"],
    "dialtone-app": ["dialtone-domain", "dialtone-store", "dialtone-providers"],
    "dialtone-server": ["dialtone-domain", "dialtone-app"],
    "dialtone-cli": ["dialtone-domain", "dialtone-app", "dialtone-server", "dialtone-sandbox"],
    "dialtone-testkit": ["dialtone-domain", "dialtone-store", "dialtone-providers", "dialtone-app", "dialtone-server", "dialtone-sandbox"],
    "dialtone-bench": ["dialtone-domain", "dialtone-store"],
};

// What may be written only in some places, and why.
const TESTS = /^crates\/(testkit\/|[^/]+\/tests\/)/;
const ONLY_IN = [
    {
        what: "the wall clock",
        pattern: /\b(SystemTime|Timestamp|Zoned)::now\b|\bUuid::now_v[67]\b/,
        where: [/^crates\/(app|sandbox)\/src\/clock\.rs$/, /^bench\//, TESTS],
        why: "time that is passed in can be tested",
    },
    {
        what: "an HTTP client",
        pattern: /\breqwest::/,
        where: [/^crates\/providers\/src\//, /^crates\/sandbox\/src\/outbound\.rs$/, /^crates\/cli\/src\/client\.rs$/, TESTS],
        why: "timeouts, limits and masking are in one place",
    },
    {
        what: "a database driver or SQL",
        pattern: /\b(rusqlite|postgres|tokio_postgres)::|"\s*(SELECT .* FROM|INSERT INTO|UPDATE \w+ SET|DELETE FROM|CREATE TABLE) /,
        where: [/^crates\/store\//, /^bench\//, TESTS],
        why: "queries are in store, where one test prepares them all on both engines",
    },
    { what: "work left for later", pattern: /\b(TODO|FIXME|XXX|HACK)\b/, where: [], why: "an issue is where it belongs" },
];

// Longer than the limit, each for the reason beside it.
const LINES_MAX = 500;
const LONG_FILES = {
    "web/src/api/schema.d.ts": "generated from openapi.json",
};
const TABLE_LINES_MAX = 100;

function arrows(packages) {
    for (const { name, dependencies } of packages) {
        const allowed = ARROWS[name];
        if (!allowed) breach(name, "a crate that the table of arrows in scripts/house.mjs does not know");
        for (const { name: used, kind } of dependencies) {
            if (!used.startsWith("dialtone-") || kind === "dev" || allowed?.includes(used)) continue;
            breach(name, `must not use ${used} (ARCHITECTURE.md, "Code map")`);
        }
    }
}

function places() {
    for (const file of source(/\.rs$/)) {
        read(file).split("\n").forEach((line, index) => {
            if (/^\s*\/\//.test(line)) return;
            for (const { what, pattern, where, why } of ONLY_IN) {
                if (pattern.test(line) && !where.some((place) => place.test(file))) {
                    breach(`${file}:${index + 1}`, `${what} does not belong here: ${why}`);
                }
            }
        });
    }
}

// Clippy counts the lines of functions; a table may be longer than its limit, by an exception that says why.
function tables(file, lines) {
    lines.forEach((line, index) => {
        if (!/clippy::too_many_lines/.test(line)) return;
        if (!/reason\s*=/.test(line)) breach(`${file}:${index + 1}`, "an exception needs its reason");
        const start = lines.findIndex((text, at) => at >= index && /\bfn\b/.test(text));
        const indent = lines[start].match(/^\s*/)[0];
        const end = lines.findIndex((text, at) => at > start && text === `${indent}}`);
        if (end - start - 1 > TABLE_LINES_MAX) breach(`${file}:${start + 1}`, `a table of ${end - start - 1} lines, at most ${TABLE_LINES_MAX}`);
    });
}

function sizes() {
    for (const file of source(/\.(rs|ts|tsx|mjs|css)$/)) {
        const lines = read(file).split("\n");
        if (lines.length - 1 > LINES_MAX && !LONG_FILES[file]) breach(file, `${lines.length - 1} lines, at most ${LINES_MAX}`);
        if (file.endsWith(".rs")) tables(file, lines);
    }
}

function texts() {
    for (const folder of ["crates/domain/texts", "crates/sandbox/src/page/texts", "web/src/locales"]) {
        const [english, french] = ["en", "fr"].map((language) => new Set(keys(json(`${folder}/${language}.json`))));
        for (const key of english) if (!french.has(key)) breach(`${folder}/fr.json`, `lacks ${key}`);
        for (const key of french) if (!english.has(key)) breach(`${folder}/en.json`, `lacks ${key}`);
    }
}

function keys(value, prefix = "") {
    if (typeof value !== "object") return [prefix];
    return Object.entries(value).flatMap(([key, inner]) => keys(inner, prefix ? `${prefix}.${key}` : key));
}

// One version of everything: members name no versions. Everything named is used, and CONTRIBUTING.md says why.
function dependencies(packages) {
    const reasons = read("CONTRIBUTING.md");
    const used = new Set();
    for (const { name, manifest_path: manifest, dependencies } of packages) {
        const folder = dirname(relative(root, manifest));
        if (/^\w.*version\s*=\s*"/m.test(read(`${folder}/Cargo.toml`).replace(/\[package\][^[]*/, ""))) {
            breach(`${folder}/Cargo.toml`, "names a version of its own; the root Cargo.toml names them all");
        }
        const code = source(new RegExp(`^${folder}/.*\\.rs$`)).map(read).join("\n");
        for (const { name: dependency } of dependencies) {
            used.add(dependency);
            const crate = dependency.replaceAll("-", "_");
            if (!new RegExp(`\\b${crate}\\b`).test(code)) breach(name, `does not use its dependency ${dependency}`);
        }
    }
    const table = read("Cargo.toml").match(/\[workspace\.dependencies\]([^[]|\[(?!\w+[\w.]*\]\n))*/)[0];
    for (const [, dependency] of table.matchAll(/^([\w-]+)\s*=/gm)) {
        if (!used.has(dependency)) breach("Cargo.toml", `no crate uses ${dependency}`);
        if (!dependency.startsWith("dialtone-") && !reasons.includes(`\`${dependency}\``)) breach("CONTRIBUTING.md", `does not say what ${dependency} is for`);
    }
}

function webDependencies() {
    const { dependencies, devDependencies } = json("web/package.json");
    const reasons = read("CONTRIBUTING.md");
    const code = source(/^web\/.*\.(ts|tsx|mjs|css|html|json)$/).filter((file) => !/package(-lock)?\.json$/.test(file)).map(read).join("\n");
    const scripts = Object.values(json("web/package.json").scripts).join("\n");
    // Read by tools by their name alone: types of other packages, and the compiler.
    const implied = (name) => name.startsWith("@types/") || ["typescript", "react-dom"].includes(name);
    for (const name of Object.keys({ ...dependencies, ...devDependencies })) {
        if (!implied(name) && !code.includes(name) && !scripts.includes(name)) breach("web/package.json", `nothing uses ${name}`);
        if (!name.startsWith("@types/") && !reasons.includes(`\`${name}\``)) breach("CONTRIBUTING.md", `does not say what ${name} is for`);
    }
}

// The client libraries that play against the sandbox, in both languages.
function contractDependencies() {
    const folder = "crates/sandbox/contract";
    const python = read(`${folder}/python/requirements.in`).match(/^[\w-]+/gm);
    const reasons = read("CONTRIBUTING.md");
    for (const name of [...python, ...Object.keys(json(`${folder}/node/package.json`).dependencies)]) {
        if (!reasons.includes(`\`${name}\``)) breach("CONTRIBUTING.md", `does not say what ${name} is for`);
    }
}

// An SPDX expression is fine when one way to read its ORs has allowed licences only.
function allowed(expression, licences) {
    const tokens = expression.replaceAll("/", " OR ").match(/[()]|[^\s()]+/g) ?? [];
    const term = () => {
        if (tokens[0] !== "(") return licences.has(tokens.shift()) | (tokens[0] === "WITH" && exception());
        tokens.shift();
        const inner = any();
        tokens.shift();
        return inner;
    };
    const exception = () => (tokens.shift(), tokens.shift(), 0);
    const all = () => {
        let fine = term();
        while (tokens[0] === "AND") (tokens.shift(), (fine = term() & fine));
        return fine;
    };
    const any = () => {
        let fine = all();
        while (tokens[0] === "OR") (tokens.shift(), (fine = all() | fine));
        return fine;
    };
    return Boolean(any());
}

// The list is deny.toml's, so that cargo-deny and this look at the same one.
function licences(packages) {
    const list = new Set([...read("deny.toml").match(/allow = \[([^\]]*)\]/)[1].matchAll(/"([^"]+)"/g)].map(([, name]) => name));
    const check = (name, licence) => {
        if (!licence || !allowed(licence, list)) breach(name, `its licence "${licence}" is not on the list in deny.toml`);
    };
    for (const { name, license } of packages) check(name, license);
    for (const [path, { license, dev, link }] of Object.entries(json("web/package-lock.json").packages)) {
        if (path && !dev && !link) check(path.replace(/^.*node_modules\//, ""), license);
    }
}

const metadata = JSON.parse(run("cargo", "metadata", "--format-version", "1", "--locked"));
const members = metadata.packages.filter(({ id }) => metadata.workspace_members.includes(id));
arrows(members);
places();
sizes();
texts();
dependencies(members);
webDependencies();
contractDependencies();
licences(metadata.packages);

for (const line of breaches) console.error(line);
console.error(breaches.length ? `${breaches.length} breaches of the house rules` : `the house rules hold in ${files.length} files`);
process.exit(breaches.length ? 1 : 0);
