// Calls of the sandbox, as data: the same description is sent, and shown as a curl line.

/** A call of the control API. */
export const control = (method, path, json) => ({ method, path: `/sandbox/${path}`, json });

/** A call of Twilio, as an account: forms in, JSON out. */
export const twilio = (account, method, path, form) => ({
  method,
  path: `/twilio/${path}`,
  form,
  user: `${account.sid}:${account.auth_token}`,
});

/** A call of Vapi, in an org's region and with its private key. */
export const vapi = (org, method, path, json) => ({
  method,
  path: `${org.region === "eu" ? "/vapi-eu" : "/vapi"}/${path}`,
  json,
  bearer: org.private_key,
});

/** The sandbox refused, and said why. */
export class Refused extends Error {
  constructor(status, words) {
    super(words);
    this.status = status;
  }
}

/** Sends one and returns its JSON. Fails with `Refused`, or with the browser's error when nothing answers. */
export async function send({ method, path, json, text: raw, form, user, bearer }) {
  const headers = {};
  if (json || raw) headers["Content-Type"] = "application/json";
  if (user) headers.Authorization = `Basic ${btoa(user)}`;
  if (bearer) headers.Authorization = `Bearer ${bearer}`;
  const body = raw ?? (json ? JSON.stringify(json) : form && new URLSearchParams(form));
  // Without credentials of its own, so that the browser never asks for a password.
  const response = await fetch(path, { method, headers, body, credentials: "omit", cache: "no-store" });
  const text = await response.text();
  const answer = parsed(text);
  if (!response.ok) throw new Refused(response.status, sentence(answer) ?? (text || `HTTP ${response.status}`));
  return answer;
}

/** The control API's `error`, Twilio's and Vapi's `message`. */
function sentence(answer) {
  const words = answer?.error ?? answer?.message;
  return Array.isArray(words) ? words.join(", ") : words;
}

function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

export const get = (path) => send(control("GET", path));

const quoted = (text) => `'${text.replaceAll("'", "'\\''")}'`;

/** The same call for a terminal. */
export function curl({ method, path, json, form, user, bearer }) {
  const parts = ["curl -s"];
  const data = json || form;
  if (method !== (data ? "POST" : "GET")) parts.push(`-X ${method}`);
  parts.push(quoted(location.origin + path));
  if (user) parts.push(`-u ${quoted(user)}`);
  if (bearer) parts.push(`-H ${quoted(`Authorization: Bearer ${bearer}`)}`);
  if (json) parts.push("-H 'Content-Type: application/json'", `-d ${quoted(JSON.stringify(json))}`);
  for (const [name, value] of Object.entries(form ?? {})) parts.push(`--data-urlencode ${quoted(`${name}=${value}`)}`);
  return parts.join(" \\\n  ");
}
