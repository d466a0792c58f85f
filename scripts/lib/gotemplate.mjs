// The part of Go's templates that the Helm chart uses, so that the chart can be rendered and looked at where Helm is
// not installed. Anything that it does not know is an error: the chart is kept inside this part.

// `{{- … -}}` takes the white space beside it away.
function lex(source) {
    const tokens = [];
    let rest = source;
    for (let match; (match = rest.match(/\{\{(-?)\s*((?:"(?:\\.|[^"\\])*"|[^"])*?)\s*(-?)\}\}/)); ) {
        const [whole, before, code, after] = match;
        const text = rest.slice(0, match.index);
        tokens.push({ text: before ? text.trimEnd() : text }, { code });
        rest = rest.slice(match.index + whole.length);
        if (after) rest = rest.trimStart();
    }
    return [...tokens, { text: rest }];
}

const OPENING = /^(if|with|range|define)\b/;

function parse(tokens, inside = false) {
    const nodes = [];
    while (tokens.length > 0) {
        const token = tokens.shift();
        if (token.text !== undefined) nodes.push(token);
        else if (token.code === "end" || token.code === "else") {
            if (!inside) throw new Error(`{{ ${token.code} }} without a beginning`);
            return [nodes, token.code];
        } else if (OPENING.test(token.code)) {
            const [kind, ...words] = token.code.split(/\s+/);
            let [body, ended] = parse(tokens, true);
            let otherwise = [];
            if (ended === "else") [otherwise] = parse(tokens, true);
            nodes.push({ kind, words: words.join(" "), body, otherwise });
        } else nodes.push(token);
    }
    if (inside) throw new Error("a block does not end");
    return [nodes];
}

function words(code) {
    const found = code.match(/"(?:\\.|[^"\\])*"|:=|[()|,]|[^\s()|,]+/g) ?? [];
    return found;
}

const truthy = (value) => Boolean(value) && !(Array.isArray(value) && value.length === 0) && !(typeof value === "object" && Object.keys(value).length === 0);

/// Renders templates of one chart. `dump` writes a value as YAML.
export class Chart {
    constructor(templates, dump) {
        this.defined = {};
        this.dump = dump;
        this.files = Object.entries(templates).map(([name, source]) => [name, parse(lex(source))[0]]);
        for (const [, nodes] of this.files) {
            for (const node of nodes) if (node.kind === "define") this.defined[JSON.parse(node.words)] = node.body;
        }
    }

    render(root) {
        return Object.fromEntries(this.files.map(([name, nodes]) => [name, this.nodes(nodes, { $: root, ".": root })]));
    }

    nodes(nodes, scope) {
        return nodes.map((node) => this.node(node, scope)).join("");
    }

    node(node, scope) {
        if (node.text !== undefined) return node.text;
        if (node.kind === "define") return "";
        if (node.kind === undefined) {
            if (node.code.startsWith("/*")) return "";
            const set = node.code.match(/^(\$\w+)\s*:=\s*(.*)$/s);
            if (set) return ((scope[set[1]] = this.pipe(words(set[2]), scope)), "");
            const value = this.pipe(words(node.code), scope);
            return value === undefined || value === null ? "" : String(value);
        }
        if (node.kind === "range") {
            const [, key, item, list] = node.words.match(/^(?:(\$\w+),\s*(\$\w+)\s*:=\s*)?(.*)$/s);
            const entries = Object.entries(this.pipe(words(list), scope) ?? {});
            return entries.map(([name, value]) => this.nodes(node.body, { ...scope, ".": value, ...(key && { [key]: name, [item]: value }) })).join("");
        }
        const value = this.pipe(words(node.words), scope);
        if (!truthy(value)) return this.nodes(node.otherwise, scope);
        return this.nodes(node.body, node.kind === "with" ? { ...scope, ".": value } : scope);
    }

    // A pipeline: the value of each command is the last argument of the next.
    pipe(tokens, scope) {
        let depth = 0;
        const commands = [[]];
        for (const token of tokens) {
            if (token === "(") depth += 1;
            if (token === ")") depth -= 1;
            if (token === "|" && depth === 0) commands.push([]);
            else commands.at(-1).push(token);
        }
        return commands.reduce((value, command, at) => this.command(command, scope, at > 0 ? [value] : []), undefined);
    }

    command(tokens, scope, last) {
        const args = [];
        const rest = [...tokens];
        let name;
        while (rest.length > 0) {
            const token = rest.shift();
            if (token === "(") {
                const inner = [];
                for (let depth = 1; ; ) {
                    const next = rest.shift();
                    if (next === undefined) throw new Error("a parenthesis does not end");
                    depth += next === "(" ? 1 : next === ")" ? -1 : 0;
                    if (depth === 0) break;
                    inner.push(next);
                }
                const value = this.pipe(inner, scope);
                args.push(rest[0]?.startsWith(".") && rest[0] !== "." ? this.path(value, rest.shift().slice(1)) : value);
            } else if (name === undefined && args.length === 0 && /^[a-z]\w*$/i.test(token) && !["true", "false"].includes(token)) name = token;
            else args.push(this.value(token, scope));
        }
        if (name === undefined) {
            if (args.length + last.length !== 1) throw new Error(`not a value: ${tokens.join(" ")}`);
            return [...args, ...last][0];
        }
        const call = this.functions[name];
        if (!call) throw new Error(`the chart uses the function ${name}, which is not known here`);
        return call.call(this, scope, ...args, ...last);
    }

    path(value, path) {
        return path.split(".").reduce((found, name) => {
            if (found === undefined || found === null) throw new Error(`nothing has a field ${path}`);
            return found[name];
        }, value);
    }

    value(token, scope) {
        if (token.startsWith('"')) return JSON.parse(token);
        if (/^-?\d+$/.test(token)) return Number(token);
        if (token === "true" || token === "false") return token === "true";
        if (token === ".") return scope["."];
        if (token.startsWith(".")) return this.path(scope["."], token.slice(1));
        const variable = token.match(/^(\$\w*)(?:\.(.*))?$/);
        if (!variable || !(variable[1] in scope)) throw new Error(`what is ${token}?`);
        return variable[2] ? this.path(scope[variable[1]], variable[2]) : scope[variable[1]];
    }

    functions = {
        include(scope, name, dot) {
            if (!this.defined[name]) throw new Error(`there is no template ${name}`);
            return this.nodes(this.defined[name], { $: dot, ".": dot }).trim();
        },
        toYaml: (_, value) => this.dump(value).trimEnd(),
        nindent: (_, width, text) => `\n${text.split("\n").map((line) => " ".repeat(width) + line).join("\n")}`,
        quote: (_, value) => JSON.stringify(String(value)),
        default: (_, otherwise, value) => (truthy(value) ? value : otherwise),
        eq: (_, a, b) => a === b,
        not: (_, value) => !truthy(value),
        and: (_, ...values) => values.find((value) => !truthy(value)) ?? values.at(-1),
        ternary: (_, yes, no, test) => (test ? yes : no),
        trunc: (_, length, text) => text.slice(0, length),
        trimSuffix: (_, suffix, text) => (text.endsWith(suffix) ? text.slice(0, -suffix.length) : text),
        add: (_, ...numbers) => numbers.reduce((sum, number) => sum + number, 0),
        urlParse: (_, text) => ({ hostname: new URL(text).hostname }),
    };
}
