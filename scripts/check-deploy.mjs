// Looks at what Dialtone is deployed with, as far as a machine without a container engine and a cluster can: the
// Dockerfile's instructions and sources, the systemd unit (with systemd-analyze, where it is installed), and the Helm
// chart, rendered with several values. What only a build and a cluster can tell is not told here.
//
//   node scripts/check-deploy.mjs
import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join, normalize, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { Chart } from "./lib/gotemplate.mjs";

const root = resolve(dirname(fileURLToPath(import.meta.url)), "..");
// A dependency of the page's tools, which `make check` has installed.
const yaml = createRequire(join(root, "web/package.json"))("js-yaml");
const read = (path) => readFileSync(join(root, path), "utf8");
const faults = [];
const must = (holds, what) => holds || faults.push(what);

const settings = [...read("crates/cli/src/config.rs").matchAll(/name: "(\w+)"/g)].map(([, name]) => `DIALTONE_${name.toUpperCase()}`);
const isSetting = (name, where) => must(settings.includes(name), `${where}: ${name} is not a setting`);

function dockerfile() {
    const path = "deploy/Dockerfile";
    const lines = read(path).replace(/^#.*\n/gm, "").replace(/\\\n\s*/g, " ").split("\n").filter((line) => line.trim());
    const stages = [];
    for (const line of lines) {
        const [, word, rest] = line.match(/^([A-Z]+)\s+(.*)$/) ?? [];
        must(word, `${path}: not an instruction: ${line}`);
        if (word === "FROM") stages.push({ image: rest.split(" ")[0], name: rest.match(/ AS (\S+)/)?.[1], lines: [] });
        else stages.at(-1).lines.push([word, rest]);
    }
    const tracked = execFileSync("git", ["ls-files"], { cwd: root, encoding: "utf8" }).split("\n");
    const ignored = read(".dockerignore").split("\n").filter((line) => line && !line.startsWith("#"));
    const copied = [];
    stages.forEach((stage, at) => {
        must(/:[\w.-]+$/.test(stage.image) && !stage.image.endsWith(":latest"), `${path}: ${stage.image} has no version`);
        for (const [word, rest] of stage.lines) {
            if (word === "RUN") command(path, rest);
            if (word === "ENV") rest.split(" ").forEach((pair) => isSetting(pair.split("=")[0], path));
            if (word !== "COPY") continue;
            const from = rest.match(/--from=(\S+)/)?.[1];
            const sources = rest.replace(/--\S+\s+/g, "").split(/\s+/).slice(0, -1);
            if (from) must(stages.slice(0, at).some((before) => before.name === from), `${path}: no stage ${from} before ${stage.image}`);
            else for (const source of sources) {
                must(tracked.some((file) => file === source || file.startsWith(`${source}/`)), `${path}: ${source} is not in the repository`);
                must(ignored.includes(`!${source.split("/")[0]}`), `.dockerignore keeps ${source} out`);
                copied.push(source);
            }
        }
    });
    const last = stages.at(-1).lines;
    const find = (word) => last.filter(([found]) => found === word).map(([, rest]) => rest);
    must(/^[1-9]\d+:[1-9]\d+$/.test(find("USER")[0]), `${path}: the program does not run as a user of its own`);
    must(find("RUN").length === 0, `${path}: the last stage has no shell to run anything`);
    for (const word of ["ENTRYPOINT", "CMD"]) must(find(word)[0]?.startsWith("["), `${path}: ${word} needs a shell`);
    must(/CMD \[".*"health"\]/.test(find("HEALTHCHECK")[0]), `${path}: no health check by the program itself`);
    must(find("VOLUME")[0] === "/data", `${path}: the data have no volume`);
    const oldest = Number(read("Cargo.toml").match(/rust-version = "1\.(\d+)/)[1]);
    const builder = stages.map(({ image }) => image.match(/^rust:1\.(\d+)/)?.[1]).find(Boolean);
    must(Number(builder) >= oldest, `${path}: Rust 1.${builder} is older than 1.${oldest}`);
    included(path, copied);
}

function command(path, line) {
    if (/cargo build/.test(line)) must(/--locked --offline/.test(line), `${path}: what is built is not what the lock file names: ${line}`);
    if (/cargo fetch/.test(line)) must(/--locked/.test(line), `${path}: ${line}`);
    must(!/npm (install|i)\b/.test(line), `${path}: npm ci takes what the lock file names: ${line}`);
}

// Files that the program's source includes from elsewhere have to be in the image's build.
function included(path, copied) {
    const reach = [...copied, "web/dist"];
    const sources = execFileSync("git", ["ls-files", "crates/*/src/*.rs"], { cwd: root, encoding: "utf8" }).trim().split("\n");
    for (const file of sources.filter((file) => existsSync(join(root, file)))) {
        for (const [, relative] of read(file).split("#[cfg(test)]")[0].matchAll(/include_(?:str|bytes)!\("([^"]+)"\)/g)) {
            const target = normalize(join(dirname(file), relative));
            must(reach.some((source) => target === source || target.startsWith(`${source}/`)), `${path} does not copy ${target}, which ${file} includes`);
        }
    }
}

function unit() {
    const path = "deploy/dialtone.service";
    const text = read(path);
    for (const line of ["DynamicUser=yes", "NoNewPrivileges=yes", "ProtectSystem=strict", "CapabilityBoundingSet=", "MemoryDenyWriteExecute=yes", "LimitCORE=0"]) {
        must(text.split("\n").includes(line), `${path}: ${line} is missing`);
    }
    for (const [, name] of text.matchAll(/^Environment=(\w+)=/gm)) isSetting(name, path);
    if (spawnSync("systemd-analyze", ["--version"]).status !== 0) return "systemd-analyze is not installed, so the unit was only read";
    const folder = mkdtempSync(join(tmpdir(), "dialtone-unit-"));
    // The program that it names is not installed here; any other does.
    writeFileSync(join(folder, "dialtone.service"), text.replaceAll("/usr/local/bin/dialtone", "/bin/true").replace(/^Documentation=.*\n/m, ""));
    const { stderr, status } = spawnSync("systemd-analyze", ["verify", "--man=no", join(folder, "dialtone.service")], { encoding: "utf8" });
    const said = stderr.split("\n").filter((line) => line.includes("dialtone.service")).join("; ");
    rmSync(folder, { recursive: true });
    must(status === 0 && !said, `${path}: ${said || stderr}`);
    return "the unit was verified by systemd-analyze";
}

const VALUES = [
    ["as it is", {}],
    ["with PostgreSQL", { database: { kind: "postgres" }, replicas: 3, env: { DIALTONE_LOG: "debug" } }],
    ["with everything", {
        database: { kind: "postgres" },
        ingress: { enabled: true, className: "nginx", annotations: { a: "b" }, tlsSecretName: "tls" },
        serviceMonitor: { enabled: true },
        networkPolicy: { from: [{ namespaceSelector: {} }] },
        imagePullSecrets: [{ name: "pull" }], nodeSelector: { disk: "ssd" }, tolerations: [{ key: "x" }], affinity: { nodeAffinity: {} },
    }],
    ["with a storage class and little else", { persistence: { storageClass: "fast" }, networkPolicy: { enabled: false }, podDisruptionBudget: { enabled: false } }],
];

const merge = (a, b) => Object.fromEntries([...new Set([...Object.keys(a), ...Object.keys(b)])].map((key) => {
    const both = [a[key], b[key]].every((value) => value && typeof value === "object" && !Array.isArray(value));
    return [key, both ? merge(a[key], b[key]) : key in b ? b[key] : a[key]];
}));

function helm() {
    const folder = "deploy/helm/dialtone";
    const meta = yaml.load(read(`${folder}/Chart.yaml`));
    const values = yaml.load(read(`${folder}/values.yaml`));
    must(meta.appVersion === read("Cargo.toml").match(/^version = "(.*)"/m)[1], `${folder}: appVersion is not the program's version`);
    const names = readdirSync(join(root, folder, "templates"));
    const chart = new Chart(Object.fromEntries(names.map((name) => [name, read(`${folder}/templates/${name}`)])), (value) => yaml.dump(value));
    for (const [how, changes] of VALUES) {
        const merged = merge(values, changes);
        const Chart = { AppVersion: meta.appVersion };
        const files = chart.render({ Values: merged, Chart, Release: { Name: "mine", Service: "Helm" } });
        const manifests = Object.entries(files).filter(([name]) => name.endsWith(".yaml"));
        const objects = manifests.flatMap(([, text]) => yaml.loadAll(text)).filter(Boolean);
        resources(`${folder} ${how}`, objects, merged);
    }
    return `the chart was rendered with ${VALUES.length} sets of values`;
}

function resources(where, objects, values) {
    const of = (kind) => objects.filter((object) => object.kind === kind);
    const postgres = values.database.kind === "postgres";
    for (const object of objects) must(object.apiVersion && object.metadata?.name, `${where}: a ${object.kind} has no name`);
    const [workload, ...more] = [...of("Deployment"), ...of("StatefulSet")];
    must(more.length === 0 && workload.kind === (postgres ? "Deployment" : "StatefulSet"), `${where}: not one workload of the right kind`);
    must(workload.spec.replicas === (postgres ? values.replicas : 1), `${where}: SQLite takes one replica, PostgreSQL what was said`);
    const pod = workload.spec.template;
    const labels = pod.metadata.labels;
    const [container] = pod.spec.containers;
    must(pod.spec.securityContext.runAsNonRoot && pod.spec.securityContext.runAsUser > 0, `${where}: the pod runs as root`);
    const secure = container.securityContext;
    must(secure.readOnlyRootFilesystem && !secure.allowPrivilegeEscalation && secure.capabilities.drop[0] === "ALL", `${where}: the container may too much`);
    for (const probe of ["startupProbe", "livenessProbe", "readinessProbe"]) {
        const { path, port } = container[probe].httpGet;
        must(["/healthz", "/readyz"].includes(path) && container.ports.some(({ name }) => name === port), `${where}: ${probe} asks nobody`);
    }
    must(pod.spec.terminationGracePeriodSeconds > values.drainSeconds + 10, `${where}: a pod is killed before it has stopped`);
    for (const { name, value } of container.env) {
        isSetting(name, where);
        must(typeof value === "string", `${where}: ${name} is not a text`);
    }
    must(container.envFrom[0].secretRef.name === values.secretName, `${where}: the secrets do not come from the Secret`);
    const volumes = [...(pod.spec.volumes ?? []), ...(workload.spec.volumeClaimTemplates ?? []).map(({ metadata }) => metadata)];
    for (const { name } of container.volumeMounts) must(volumes.some((volume) => volume.name === name), `${where}: no volume ${name}`);
    const selects = (selector) => Object.entries(selector).every(([name, value]) => labels[name] === value);
    must(selects(workload.spec.selector.matchLabels), `${where}: the workload does not find its pods`);
    const [service] = of("Service");
    must(selects(service.spec.selector) && service.spec.ports[0].targetPort === "http", `${where}: the service finds no pods`);
    for (const kind of ["PodDisruptionBudget", "NetworkPolicy"]) {
        for (const { spec } of of(kind)) must(selects((spec.selector ?? spec.podSelector).matchLabels), `${where}: the ${kind} finds no pods`);
    }
    must(of("PodDisruptionBudget").length === Number(postgres && values.podDisruptionBudget.enabled), `${where}: a budget for disruptions`);
    must(of("NetworkPolicy").length === Number(values.networkPolicy.enabled), `${where}: a network policy`);
    must(of("Ingress").length === Number(values.ingress.enabled), `${where}: an ingress`);
    if (of("Ingress").length) must(of("Ingress")[0].spec.rules[0].host === new URL(values.publicUrl).hostname, `${where}: the ingress has another host`);
}

dockerfile();
const done = [unit(), helm()];
for (const fault of faults) console.error(fault);
console.error(faults.length ? `${faults.length} faults in what Dialtone is deployed with` : `the Dockerfile was read, ${done.join(", ")}; no image was built and no cluster asked`);
process.exit(faults.length ? 1 : 0);
