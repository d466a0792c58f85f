// Runs both suites of crates/sandbox/contract, each against a sandbox of its own, and holds what the sandboxes saw
// against docs/sandbox/operations.md. Started by scripts/contract.
import { spawn } from "node:child_process";
import { readFileSync, readdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
const sandboxFolder = join(root, "crates", "sandbox");
const suites = join(sandboxFolder, "contract");
const page = join(root, "docs", "sandbox", "operations.md");
const json = (...path) => JSON.parse(readFileSync(join(sandboxFolder, ...path), "utf8"));

const SUITES = [
    { language: "python", program: process.env.CONTRACT_PYTHON, args: ["-W", "ignore", "-m", "unittest", "--quiet"] },
    { language: "node", program: process.execPath, args: ["--test", "--test-reporter=dot"] },
];

// A program's output and exit code.
function run(program, args, cwd, more) {
    return new Promise((resolve) => {
        const child = spawn(program, args, { cwd, env: { ...process.env, ...more } });
        let output = "";
        child.stdout.on("data", (text) => (output += text));
        child.stderr.on("data", (text) => (output += text));
        child.on("close", (code) => resolve({ code, output }));
        child.on("error", (error) => resolve({ code: 1, output: `${program}: ${error.message}` }));
    });
}

function startSandbox() {
    const child = spawn(process.env.DIALTONE_BIN, ["sandbox", "--strict", "--listen", "127.0.0.1:0"], {
        stdio: ["ignore", "pipe", "inherit"],
    });
    return new Promise((resolve, reject) => {
        child.stdout.on("data", (text) => {
            const found = String(text).match(/http:\/\/[\d.]+:\d+/);
            if (found) resolve({ child, url: found[0] });
        });
        child.on("error", reject);
        child.on("exit", (code) => reject(new Error(`the sandbox ended with ${code}`)));
    });
}

// One suite: how it ended, and what its sandbox saw.
async function suite({ language, program, args }) {
    const { child, url } = await startSandbox();
    const look = async (path) => (await fetch(`${url}/sandbox/${path}`)).json();
    try {
        const { code, output } = await run(program, args, join(suites, language), { SANDBOX_URL: url });
        const { operations } = await look("operations");
        const { violations } = await look("violations");
        return { language, code, output, operations, violations };
    } finally {
        child.removeAllListeners("exit");
        child.kill();
    }
}

// Which rows of the flows leave a library out, and why.
function exceptions() {
    const rows = readdirSync(join(suites, "flows")).flatMap((file) => json("contract", "flows", file).steps);
    return new Map(rows.filter((row) => row.without).map((row) => [row.does, row]));
}

// Every schema that an operation's description leads to.
function reach(spec, operation) {
    const seen = new Set();
    const visit = (value) => {
        if (Array.isArray(value)) return value.forEach(visit);
        if (!value || typeof value !== "object") return;
        if (typeof value.$ref === "string" && !seen.has(value.$ref)) {
            seen.add(value.$ref);
            visit(spec.schemas[value.$ref.split("/").pop()]);
        }
        Object.values(value).forEach(visit);
    };
    visit(spec.operations[operation]);
    return seen;
}

function deviationsOf(all, specs, { provider, operation }) {
    const schemas = reach(specs[provider], operation);
    const concerns = (at) => at === `operations/${operation}` || (at !== "schemas/error" && schemas.has(`#/${at}`));
    return all.flatMap((deviation, index) => (deviation.spec === provider && deviation.at.some(concerns) ? [index + 1] : []));
}

const TITLES = { twilio: "Twilio", vapi: "Vapi" };

function table(results) {
    const [python, node] = results.map(({ operations }) => operations);
    const specs = { twilio: json("specs", "twilio.json"), vapi: json("specs", "vapi.json") };
    const deviations = json("specs", "deviations.json");
    const left = exceptions();
    const lines = [
        "# Operations of the sandbox",
        "",
        "Made by `scripts/contract`, which `make test` runs: do not edit. It plays every row of `crates/sandbox/contract/flows` with the official",
        "libraries (PyPI `twilio`, `vapi_server_sdk`; npm `twilio`, `@vapi-ai/server-sdk`), unchanged save for the base URL, against a sandbox that holds",
        "every request and every answer against the official descriptions (`crates/sandbox/specs`).",
        "",
        "A name under Python or Node says that the library's own call works; \"as described\" that all answers of the operation were valid; a number leads",
        "to a deviation below.",
    ];
    for (const provider of ["twilio", "vapi"]) {
        lines.push("", `## ${TITLES[provider]}`, "", "| operation | request | Python | Node | answers | deviations |", "| --- | --- | --- | --- | --- | --- |");
        const missing = [];
        python.forEach((row, index) => {
            if (row.provider !== provider) return;
            if (!row.implemented) return missing.push(row.operation);
            const other = node[index];
            const called = (seen, language) => (seen.clients[`${provider}-${language}`] ? "yes" : (left.get(row.operation)?.why ?? "no"));
            const checked = row.answers_checked + other.answers_checked;
            const answers = row.answers_failed + other.answers_failed ? "not as described" : checked ? "as described" : "not JSON";
            const notes = deviationsOf(deviations, specs, row).join(", ");
            lines.push(`| ${row.operation} | ${row.method} ${row.path} | ${called(row, "python")} | ${called(other, "node")} | ${answers} | ${notes} |`);
        });
        lines.push("", "Not played:", "", missing.length ? wrapped(missing.map((name) => `\`${name}\``).join(", ")) : "nothing");
    }
    lines.push("", "## Deviations", "", "Where the real services are known to differ from their descriptions, and what that rests on (CONTRIBUTING.md, \"What comments refer to\").", "");
    deviations.forEach(({ at, reason }, index) => lines.push(`${index + 1}. ${at.map((name) => `\`${name}\``).join(", ")}: ${reason}`));
    return `${lines.join("\n")}\n`;
}

function wrapped(text) {
    return text.replace(/(.{1,150})(, |$)/g, "$1,\n").replace(/,\n*$/, "");
}

function complaints(results) {
    const said = [];
    const left = exceptions();
    for (const { language, code, output, operations, violations } of results) {
        if (code !== 0) said.push(`the ${language} suite failed:\n${output}`);
        // What the clients sent on purpose was refused; what was accepted must be as described, and so every answer.
        for (const { of, operation, path, place, sentence, status } of violations) {
            if (of !== "request" || (status && status < 400)) said.push(`${language}: ${of} of ${operation ?? path}: ${place} ${sentence}`);
        }
        for (const { provider, operation, implemented, clients } of operations) {
            const excused = left.get(operation)?.without.includes(language);
            if (implemented && !excused && !clients[`${provider}-${language}`]) said.push(`no row of contract/flows calls ${operation} from ${language}`);
        }
    }
    return said;
}

const results = await Promise.all(SUITES.map(suite));
const said = complaints(results);
const made = table(results);
if (process.env.UPDATE_OPERATIONS) {
    writeFileSync(page, made);
} else {
    let written = "";
    try {
        written = readFileSync(page, "utf8");
    } catch {
        // Not there yet: it differs.
    }
    if (written !== made) said.push("docs/sandbox/operations.md is not what the sandbox does: run UPDATE_OPERATIONS=1 scripts/contract");
}
for (const line of new Set(said)) console.error(line);
const count = results[0].operations.filter(({ implemented }) => implemented).length;
console.log(said.length ? `${said.length} complaints` : `the official libraries and the sandbox agree on ${count} operations`);
process.exit(said.length ? 1 : 0);
