// Every row of ../flows with twilio and @vapi-ai/server-sdk for Node.
import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import test from "node:test";

import { FOLDER } from "./sandbox.mjs";
import { Flow } from "./steps.mjs";

for (const file of readdirSync(join(FOLDER, "flows")).sort()) {
    const flow = JSON.parse(readFileSync(join(FOLDER, "flows", file), "utf8"));
    test(file.replace(".json", ""), async () => {
        const played = new Flow(flow);
        await played.start();
        for (const step of flow.steps.filter(({ without = [] }) => !without.includes("node"))) {
            // Later rows stand on earlier ones: the first that fails ends the flow, and is named.
            await played.play(step).catch((cause) => {
                throw new Error(`${step.does ?? step.control}: ${cause.message}`, { cause });
            });
        }
    });
}
