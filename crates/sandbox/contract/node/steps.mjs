// Plays the rows of ../flows with the official libraries.
import assert from "node:assert/strict";

import * as sandbox from "./sandbox.mjs";

// `$name` stands for what was kept under that name.
function filled(value, names) {
    if (typeof value === "string") {
        const whole = value.match(/^\$(\w+)$/);
        return whole ? names[whole[1]] : value.replace(/\$(\w+)/g, (_, name) => names[name]);
    }
    if (Array.isArray(value)) return value.map((item) => filled(item, names));
    if (value && typeof value === "object") {
        return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, filled(item, names)]));
    }
    return value;
}

const dig = (value, path) => path.split(".").reduce((found, part) => found[part], value);

export class Flow {
    constructor(flow) {
        this.flow = flow;
    }

    async start() {
        this.names = await sandbox.start(this.flow.seed ?? 0);
        const { account, token, key } = this.names;
        this.client = this.flow.provider === "twilio" ? sandbox.twilio(account, token) : sandbox.vapi(key);
    }

    async play(raw) {
        const step = filled(raw, this.names);
        if (step.control) {
            const [method, path] = step.control.split(" ");
            return this.look(step, await sandbox.control(method, path, step.with));
        }
        if (step.upload) return this.look(step, await sandbox.upload(this.names, step));
        const call = () => (this.flow.provider === "twilio" ? this.twilio(step) : this.vapi(step));
        if (!step.fails) return this.look(step, await call());
        await assert.rejects(call, (error) => {
            const wanted = this.flow.provider === "twilio" ? step.fails : { statusCode: step.fails.status };
            this.expect(error, wanted);
            return true;
        });
    }

    look(step, result) {
        this.expect(result, step.expect ?? {});
        for (const [name, path] of Object.entries(step.keep ?? {})) this.names[name] = dig(result, path);
    }

    expect(found, wanted) {
        for (const [path, value] of Object.entries(wanted)) assert.deepEqual(dig(found, path), value, path);
    }

    place(at) {
        let place = this.client;
        for (const [, name, called, list] of at.matchAll(/(\w+)(\(([^)]*)\))?/g)) {
            const parent = place;
            place = place[name];
            if (called) place = place.apply(parent, list.split(",").map((part) => part.trim()).filter(Boolean));
        }
        return place;
    }

    twilio(step) {
        const place = this.place(step.at);
        const given = step.body ?? step.with;
        return given ? place[step.do](given) : place[step.do]();
    }

    vapi(step) {
        const place = this.place(step.at);
        const given = Object.fromEntries(Object.entries(step.with ?? {}).map(([name, value]) => [name, uploaded(value)]));
        const id = step.id ? { id: step.id } : {};
        return place[step.do](step.union && step.id ? { ...id, body: given } : { ...given, ...id });
    }
}

function uploaded(value) {
    if (!value?.$file) return value;
    const [name, type, content] = value.$file;
    return new File([content], name, { type });
}
