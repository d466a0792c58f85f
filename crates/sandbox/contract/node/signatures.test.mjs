// The official validator accepts what the sandbox signs, and the vectors of the provider notes (T17).
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import test from "node:test";

import twilioLibrary from "twilio";

import { hook } from "./hook.mjs";
import * as sandbox from "./sandbox.mjs";

const { validateRequest, validateRequestWithBody } = twilioLibrary;

// As a web framework hands them over: what is repeated is a list.
function fields(pairs) {
    const found = {};
    for (const [name, value] of pairs) found[name] = name in found ? [found[name], value].flat() : value;
    return found;
}

function holds(token, signature, url, params, body) {
    return body === undefined ? validateRequest(token, signature, url, params) : validateRequestWithBody(token, signature, url, body);
}

test("vectors", async (context) => {
    for (const vector of JSON.parse(readFileSync(join(sandbox.FOLDER, "vectors.json"), "utf8"))) {
        await context.test(vector.name, () => {
            const valid = holds(vector.token, vector.signature, vector.url, fields(vector.params), vector.body);
            assert.equal(valid, !vector.refused);
        });
    }
});

function check({ seen }, token) {
    assert.notEqual(seen.length, 0);
    for (const { url, headers, body } of seen) {
        const json = headers["content-type"]?.includes("json");
        const given = [fields(new URLSearchParams(body)), json ? body : undefined];
        const signature = headers["x-twilio-signature"];
        assert.ok(holds(token, signature, url, ...given), url);
        assert.ok(!holds(token, signature, `${url}x`, ...given), url);
    }
}

// The default state with a web server behind its number.
async function place(context, settings) {
    const names = await sandbox.start(7);
    const server = await hook(context);
    const urls = Object.fromEntries(Object.entries(settings).map(([name, path]) => [name, server.url(path)]));
    await sandbox.twilio(names.account, names.token).incomingPhoneNumbers(names.usSid).update(urls);
    return [names, server];
}

test("a call and its end are signed", async (context) => {
    const [names, server] = await place(context, { voiceUrl: "/voice?line=7", statusCallback: "/ended" });
    await sandbox.control("POST", "/calls", { from: "+14155550100", to: names.us });
    await sandbox.control("POST", "/clock", { advance_s: 60 });
    check(server, names.token);
});

test("a text is signed", async (context) => {
    const [names, server] = await place(context, { smsUrl: "/sms?line=7&name=%C3%A9" });
    await sandbox.control("POST", "/messages", { from: "+14155550100", to: names.us, body: "Is it free? 👍 & more" });
    check(server, names.token);
});
