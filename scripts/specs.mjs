// Makes crates/sandbox/specs/{twilio,vapi}.json from the official OpenAPI files: JSON Schema (2020-12), with what
// only people read left out, one operation or schema per line. The README there says where the files come from.
//
//     node scripts/specs.mjs FOLDER      with FOLDER/twilio/*.json and FOLDER/vapi/openapi.json
import { readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const official = process.argv[2];
if (!official) {
    console.error("Name the folder that holds the official files: node scripts/specs.mjs FOLDER");
    process.exit(1);
}
const target = join(dirname(fileURLToPath(import.meta.url)), "..", "crates", "sandbox", "specs");

// Every description of a product that the sandbox plays.
const TWILIO = [
    "accounts_v1", "api_v2010", "lookups_v2", "messaging_v1", "monitor_v1", "numbers_v1", "numbers_v2", "pricing_v1",
    "pricing_v2", "routes_v2", "trunking_v1", "voice_v1",
];
// The first segment of each path of Vapi that the sandbox plays, `v2/` aside.
const VAPI = new Set([
    "analytics", "assistant", "call", "chat", "file", "phone-number", "session", "squad", "structured-output", "tool",
]);
// Schemas that no path names: credentials and orgs have no path in the description (V1), webhooks are not requests to it.
const VAPI_ROOTS = [/Credential/, /^ServerMessage/, /^VersionPinConflictResponseDTO$/, /^(Update)?Org(DTO)?$/];

const METHODS = ["get", "post", "put", "patch", "delete"];
const FOR_PEOPLE = new Set(["description", "title", "example", "examples", "default", "deprecated", "externalDocs"]);
const REGEX_LITERAL = /^\/(.*)\/u?$/;

const nullAllowed = (schema) => {
    if (schema.enum) schema.enum = [...new Set([...schema.enum, null])];
    if (schema.type) return { ...schema, type: [schema.type, "null"] };
    return schema.$ref || schema.anyOf || schema.allOf ? { anyOf: [schema, { type: "null" }] } : schema;
};

const mapValues = (object, change) => Object.fromEntries(Object.entries(object).map(([key, value]) => [key, change(value)]));

// One schema of OpenAPI 3.0 as JSON Schema.
function schema(given) {
    if (given.$ref) {
        const reference = { $ref: given.$ref.replace("#/components/", "#/") };
        return given.nullable ? nullAllowed(reference) : reference;
    }
    const made = {};
    for (const [key, value] of Object.entries(given)) {
        if (FOR_PEOPLE.has(key) || key.startsWith("x-") || key === "nullable") continue;
        if (key === "properties") made.properties = mapValues(value, schema);
        else if (key === "items") made.items = schema(value);
        else if (key === "additionalProperties") made.additionalProperties = typeof value === "object" ? schema(value) : value;
        else if (key === "allOf") made.allOf = value.map(schema);
        // The alternatives overlap in both providers' files: `oneOf` would refuse what fits two of them.
        else if (key === "oneOf" || key === "anyOf") made.anyOf = value.map(schema);
        else if (key === "discriminator") made.discriminator = mapping(value);
        // Written as literals of JavaScript, or as the name of a constant.
        else if (key === "pattern") Object.assign(made, pattern(value));
        else made[key] = value;
    }
    // What each element may be is also said of the list, where nothing would fit it.
    if (made.type === "array" && made.items?.enum) delete made.enum;
    // Nest's generator calls an enumeration of words an object.
    if (made.type === "object" && made.enum?.every((item) => typeof item === "string")) made.type = "string";
    return given.nullable ? nullAllowed(made) : made;
}

function mapping({ propertyName, mapping: names = {} }) {
    return { propertyName, mapping: mapValues(names, (name) => name.replace("#/components/", "#/")) };
}

function pattern(text) {
    if (/^[A-Z_]+$/.test(text)) return {};
    const literal = text.match(REGEX_LITERAL);
    return { pattern: literal ? literal[1].replaceAll("\\/", "/") : text };
}

// The parameters at one place as the schema of an object.
function parameters(list, place) {
    const here = list.filter((parameter) => parameter.in === place);
    if (!here.length) return undefined;
    const made = { type: "object", properties: {} };
    for (const { name, schema: given } of here) made.properties[name] = schema(given ?? {});
    const required = here.filter((parameter) => parameter.required).map(({ name }) => name);
    if (required.length) made.required = [...new Set(required)];
    return made;
}

function operation(document, product, method, path, item, found) {
    const resolve = (given) => (given.$ref ? document.components.parameters[given.$ref.split("/").pop()] : given);
    const list = [...(item.parameters ?? []), ...(found.parameters ?? [])].map(resolve);
    const content = found.requestBody?.content ?? {};
    const body = (type) => content[type] && schema(content[type].schema ?? {});
    const answers = mapValues(found.responses, ({ content: answer }) => {
        const described = answer?.["application/json"]?.schema;
        return described ? schema(described) : null;
    });
    return {
        ...(product && { product }),
        method: method.toUpperCase(),
        path,
        ids: parameters(list, "path"),
        query: parameters(list, "query"),
        form: body("application/x-www-form-urlencoded"),
        multipart: body("multipart/form-data"),
        body: body("application/json"),
        answers,
    };
}

// `api.2010-04-01.CreateMessage` for Twilio, `AssistantController_create` for Vapi.
function operations(document, product, wanted) {
    const made = {};
    for (const [path, item] of Object.entries(document.paths)) {
        if (!wanted(path)) continue;
        for (const method of METHODS.filter((name) => item[name])) {
            const found = item[method];
            const name = product ? `${product}.${path.split("/")[1]}.${found.operationId}` : found.operationId;
            made[name] = operation(document, product, method, path, item, found);
        }
    }
    return made;
}

function references(value, into = new Set()) {
    if (Array.isArray(value)) value.forEach((item) => references(item, into));
    else if (value && typeof value === "object") {
        if (typeof value.$ref === "string") into.add(value.$ref.split("/").pop());
        Object.values(value).forEach((item) => references(item, into));
    }
    return into;
}

function reachable(roots, schemas) {
    const seen = new Set();
    const waiting = [...roots];
    while (waiting.length) {
        const name = waiting.pop();
        if (seen.has(name)) continue;
        seen.add(name);
        waiting.push(...references(schemas[name]));
    }
    return seen;
}

const sorted = (object) => Object.fromEntries(Object.entries(object).sort(([a], [b]) => (a < b ? -1 : 1)));

function write(file, made) {
    const part = (object) => Object.entries(sorted(object)).map(([name, value]) => `${JSON.stringify(name)}:${JSON.stringify(value)}`).join(",\n");
    const text = `{"operations":{\n${part(made.operations)}\n},\n"schemas":{\n${part(made.schemas)}\n}}\n`;
    JSON.parse(text);
    writeFileSync(join(target, file), text);
    console.log(`${file}: ${Object.keys(made.operations).length} operations, ${Object.keys(made.schemas).length} schemas, ${text.length} bytes`);
}

const read = (...path) => JSON.parse(readFileSync(join(official, ...path), "utf8"));

// Enumerations are called alike in several products: those get the product's name in front.
function renamed(document, product, version) {
    const names = Object.keys(document.components.schemas).filter((name) => !name.startsWith(`${product}.`));
    const text = names.reduce(
        (text, name) => text.replaceAll(`"#/components/schemas/${name}"`, `"#/components/schemas/${product}.${version}.${name}"`),
        JSON.stringify(document),
    );
    const made = JSON.parse(text);
    const prefixed = (name) => (names.includes(name) ? `${product}.${version}.${name}` : name);
    const pairs = Object.entries(made.components.schemas).map(([name, value]) => [prefixed(name), value]);
    made.components.schemas = Object.fromEntries(pairs);
    return made;
}

function twilio() {
    const made = { operations: {}, schemas: {} };
    const schemas = {};
    for (const file of TWILIO) {
        const [product, version] = file.split("_");
        const document = renamed(read("twilio", `twilio_${file}.json`), product, version);
        Object.assign(made.operations, operations(document, product, () => true));
        Object.assign(schemas, mapValues(document.components.schemas, schema));
    }
    for (const name of reachable(references(made.operations), schemas)) made.schemas[name] = schemas[name];
    write("twilio.json", made);
}

function vapi() {
    const document = read("vapi", "openapi.json");
    const schemas = mapValues(document.components.schemas, schema);
    const wanted = (path) => VAPI.has(path.replace(/^\/(v2\/)?/, "").split("/")[0]);
    const made = { operations: operations(document, undefined, wanted), schemas: {} };
    const named = Object.keys(schemas).filter((name) => VAPI_ROOTS.some((root) => root.test(name)));
    for (const name of reachable([...references(made.operations), ...named], schemas)) made.schemas[name] = schemas[name];
    write("vapi.json", made);
}

twilio();
vapi();
