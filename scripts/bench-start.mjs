// Measures the start of `dialtone serve` on an empty SQLite database: how long until it is ready, and how much
// memory it then has. Exits 1 where one of them is over its limit.
//
//   node scripts/bench-start.mjs <program>
import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { performance } from "node:perf_hooks";

const READY_MS_MAX = 100;
const MEMORY_MB_MAX = 60;
const ROUNDS = 9;

const freePort = () =>
    new Promise((resolve) => {
        const server = createServer().listen(0, "127.0.0.1", () => {
            const { port } = server.address();
            server.close(() => resolve(port));
        });
    });

async function isReady(url) {
    try {
        return (await fetch(url)).ok;
    } catch {
        return false;
    }
}

async function start(program) {
    const folder = mkdtempSync(join(tmpdir(), "dialtone-bench-"));
    const port = await freePort();
    const began = performance.now();
    const child = spawn(program, ["serve", "--listen", `127.0.0.1:${port}`, "--data-dir", folder], { stdio: "ignore" });
    const gone = new Promise((resolve) => child.once("exit", resolve));
    while (!(await isReady(`http://127.0.0.1:${port}/readyz`)) && child.exitCode === null);
    const ready = performance.now() - began;
    const status = readFileSync(`/proc/${child.pid}/status`, "utf8");
    child.kill("SIGTERM");
    await gone;
    rmSync(folder, { recursive: true });
    return { ready, memory: Number(status.match(/VmHWM:\s+(\d+) kB/)[1]) / 1024 };
}

const median = (numbers) => numbers.toSorted((a, b) => a - b)[numbers.length >> 1];
const rounds = [];
for (let round = 0; round < ROUNDS; round += 1) rounds.push(await start(process.argv[2]));
const ready = median(rounds.map((round) => round.ready));
const memory = Math.max(...rounds.map((round) => round.memory));
console.log(`ready after ${ready.toFixed(0)} ms (median of ${ROUNDS} starts; at most ${READY_MS_MAX})`);
console.log(`${memory.toFixed(0)} MB of memory at its peak (at most ${MEMORY_MB_MAX})`);
process.exit(ready <= READY_MS_MAX && memory <= MEMORY_MB_MAX ? 0 : 1);
