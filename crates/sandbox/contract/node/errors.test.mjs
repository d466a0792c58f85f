// Errors, pages and repeated tries, as the libraries themselves see them.
import assert from "node:assert/strict";
import test from "node:test";

import { VapiError } from "@vapi-ai/server-sdk";
import twilioLibrary from "twilio";

import * as sandbox from "./sandbox.mjs";

const { RestException } = twilioLibrary;
const refusal = (status, code, text) => (error) => {
    assert.ok(error instanceof RestException);
    assert.deepEqual([error.status, error.code], [status, code]);
    assert.ok(error.message.includes(text), error.message);
    return true;
};

test("wrong credentials are an exception", async () => {
    const { account } = await sandbox.start(0);
    const client = sandbox.twilio(account, "0".repeat(32));
    await assert.rejects(client.api.v2010.accounts(account).fetch(), refusal(401, 20003, "Authenticate"));
});

test("a refusal has code, text and status", async () => {
    const { account, token } = await sandbox.start(0);
    const bought = sandbox.twilio(account, token).incomingPhoneNumbers.create({ phoneNumber: "+15005550000" });
    await assert.rejects(bought, refusal(400, 21422, "+15005550000"));
});

test("a fault's body is read as Twilio's; 429 is tried again when that is asked for", async () => {
    const { account, token } = await sandbox.start(0);
    const rule = { path: "/IncomingPhoneNumbers", fault: { status: 429 } };
    await sandbox.control("POST", "/faults", { ...rule, times: 1 });
    await assert.rejects(sandbox.twilio(account, token).incomingPhoneNumbers.list(), refusal(429, 20429, ""));
    await sandbox.control("POST", "/faults", { ...rule, times: 2 });
    const patient = sandbox.twilio(account, token, { autoRetry: true });
    assert.equal((await patient.incomingPhoneNumbers.list()).length, 2);
});

test("lists are walked over all pages", async () => {
    const { account, token } = await sandbox.start(0);
    const client = sandbox.twilio(account, token);
    const walked = async (list, pageSize) => {
        const found = [];
        await new Promise((resolve, reject) => list.each({ pageSize, callback: ({ sid }) => found.push(sid), done: (error) => (error ? reject(error) : resolve()) }));
        return found.sort();
    };
    const made = [];
    for (let place = 0; place < 7; place += 1) made.push((await client.applications.create({ friendlyName: `app ${place}` })).sid);
    assert.deepEqual(await walked(client.applications, 3), made.sort());
    const trunks = [];
    for (let place = 0; place < 5; place += 1) trunks.push((await client.trunking.v1.trunks.create({ friendlyName: `trunk ${place}` })).sid);
    assert.deepEqual(await walked(client.trunking.v1.trunks, 2), trunks.sort());
});

test("Vapi's errors have status and body", async () => {
    const { key } = await sandbox.start(0);
    const stranger = sandbox.vapi("00000000-0000-4000-8000-000000000000").assistants.list();
    await assert.rejects(stranger, (error) => {
        assert.ok(error instanceof VapiError);
        assert.equal(error.statusCode, 401);
        assert.ok(error.body.message.includes("Invalid Key"));
        return true;
    });
    await assert.rejects(sandbox.vapi(key).assistants.create({ name: "n".repeat(41) }), ({ statusCode, body }) => {
        assert.equal(statusCode, 400);
        assert.ok(body.message.includes("name must be shorter than or equal to 40 characters"));
        return true;
    });
});

test("Vapi's library tries again", async () => {
    const { key } = await sandbox.start(0);
    for (const status of [429, 503]) {
        await sandbox.control("POST", "/faults", { path: "/vapi/assistant", times: 2, fault: { status } });
        assert.deepEqual(await sandbox.vapi(key).assistants.list(), []);
    }
});
