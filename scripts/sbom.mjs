// What is in the program, as a CycloneDX 1.5 document: every crate that is compiled into it and every package of the
// page, each with its version, its licence and the hash that the lock files name.
//
//   node scripts/sbom.mjs > dialtone.cdx.json
//   node scripts/sbom.mjs --check      only says whether the document is whole (part of `make check`)
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

const root = resolve(dirname(fileURLToPath(import.meta.url)), "..");
const read = (path) => readFileSync(join(root, path), "utf8");
const faults = [];

// What only tests and builds need is not in the program.
function crates() {
    const args = ["metadata", "--format-version", "1", "--locked", "--offline", "--filter-platform", "x86_64-unknown-linux-gnu"];
    const { packages, resolve: graph } = JSON.parse(execFileSync("cargo", args, { cwd: root, encoding: "utf8", maxBuffer: 1 << 28 }));
    const byId = new Map(packages.map((one) => [one.id, one]));
    const nodes = new Map(graph.nodes.map((node) => [node.id, node]));
    const linked = new Set();
    const visit = (id) => {
        if (linked.has(id)) return;
        linked.add(id);
        for (const { pkg, dep_kinds } of nodes.get(id).deps) if (dep_kinds.some(({ kind }) => kind === null)) visit(pkg);
    };
    visit(packages.find(({ name }) => name === "dialtone-cli").id);
    const hashes = new Map();
    for (const block of read("Cargo.lock").split("[[package]]").slice(1)) {
        const field = (name) => block.match(new RegExp(`^${name} = "(.*)"`, "m"))?.[1];
        hashes.set(`${field("name")}@${field("version")}`, { source: field("source"), checksum: field("checksum") });
    }
    return [...linked].map((id) => byId.get(id)).map(({ name, version, license, source }) => {
        const locked = hashes.get(`${name}@${version}`);
        if (!locked) faults.push(`${name} ${version} is not in Cargo.lock`);
        if (source && !locked?.checksum) faults.push(`${name} ${version} has no checksum in Cargo.lock`);
        if (source && !/^registry\+https:\/\/github\.com\/rust-lang\/crates\.io-index$/.test(source)) faults.push(`${name} comes from ${source}`);
        return component("cargo", name, version, license, locked?.checksum && { alg: "SHA-256", content: locked.checksum });
    });
}

function packages() {
    const locked = Object.entries(JSON.parse(read("web/package-lock.json")).packages);
    return locked.filter(([path, { dev, link }]) => path && !dev && !link).map(([path, { version, license, integrity, resolved }]) => {
        const name = path.replace(/^.*node_modules\//, "");
        const [kind, hash] = (integrity ?? "").split("-");
        if (kind !== "sha512") faults.push(`${name} ${version} has no hash in package-lock.json`);
        // The lock file names no registry, so that a mirror will do: the hash decides.
        if (resolved !== undefined && !resolved.startsWith("https://registry.npmjs.org/")) faults.push(`${name} comes from ${resolved}`);
        return component("npm", name, version, license, hash && { alg: "SHA-512", content: Buffer.from(hash, "base64").toString("hex") });
    });
}

function component(kind, name, version, licence, hash) {
    if (!licence) faults.push(`${name} ${version} has no licence`);
    const purl = `pkg:${kind}/${name.replace("@", "%40")}@${version}`;
    return { type: "library", "bom-ref": purl, name, version, purl, licenses: [{ expression: (licence ?? "").replaceAll("/", " OR ") }], ...(hash && { hashes: [hash] }) };
}

const version = read("Cargo.toml").match(/^version = "(.*)"/m)[1];
const components = [...crates(), ...packages()].sort((a, b) => (a.purl < b.purl ? -1 : 1));
const document = {
    bomFormat: "CycloneDX",
    specVersion: "1.5",
    version: 1,
    metadata: { component: { type: "application", "bom-ref": "dialtone", name: "dialtone", version, licenses: [{ expression: "Apache-2.0 OR MIT" }] } },
    components,
};
if (new Set(components.map(({ purl }) => purl)).size !== components.length) faults.push("a component is listed twice");
for (const fault of faults) console.error(fault);
if (process.argv[2] === "--check") console.error(`${components.length} components, each with version, licence and hash${faults.length ? `, but for ${faults.length}` : ""}`);
else console.log(JSON.stringify(document, null, 2));
process.exitCode = faults.length ? 1 : 0;
