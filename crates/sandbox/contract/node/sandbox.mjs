// The sandbox that the suites run against, and the official clients pointed at it.
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

import { VapiClient } from "@vapi-ai/server-sdk";
import twilioLibrary from "twilio";

export const BASE = process.env.SANDBOX_URL;
export const FOLDER = join(dirname(fileURLToPath(import.meta.url)), "..");

// A control call: its answer as JSON.
export async function control(method, path, body) {
    const answer = await fetch(`${BASE}/sandbox${path}`, { method, body: body && JSON.stringify(body) });
    if (!answer.ok) throw new Error(`${method} ${path}: ${await answer.text()}`);
    return answer.json();
}

// The default state of this seed, and the names that flows use for what is in it.
export async function start(seed) {
    const state = await control("POST", "/reset", { seed });
    const [account, org] = [state.accounts[0], state.orgs[0]];
    const [us, fr] = state.numbers;
    return {
        account: account.sid,
        token: account.auth_token,
        us: us.phone_number,
        usSid: us.sid,
        fr: fr.phone_number,
        frSid: fr.sid,
        key: org.private_key,
        org: org.id,
    };
}

// A file for the host that the library does not know.
export async function upload(names, step) {
    const [name, type, content] = step.file;
    const form = new FormData();
    for (const [field, value] of Object.entries(step.with)) form.append(field, value);
    form.append("File", new File([content], name, { type }));
    const authorization = `Basic ${btoa(`${names.account}:${names.token}`)}`;
    const answer = await fetch(`${BASE}${step.upload}`, { method: "POST", headers: { authorization }, body: form });
    if (answer.status !== 201) throw new Error(await answer.text());
    return answer.json();
}

// The official HTTP client; the only change is where requests go.
class ToSandbox extends twilioLibrary.RequestClient {
    request(options) {
        const uri = options.uri.replace(/^https:\/\/([a-z-]+)\.twilio\.com/, `${BASE}/twilio/$1`);
        return super.request({ ...options, uri });
    }
}

export function twilio(user, secret, settings = {}) {
    return twilioLibrary(user, secret, { httpClient: new ToSandbox(settings), ...settings });
}

export function vapi(key, settings = {}) {
    return new VapiClient({ token: key, baseUrl: `${BASE}/vapi`, ...settings });
}
