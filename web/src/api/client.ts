import createClient from "openapi-fetch";
import { randomKey } from "../util/random";
import { localProblem, readProblem } from "./problem";
import type { paths } from "./schema";

/** The language that answers should be in; the translations set it whenever it changes. */
export const answerLanguage = { current: "en" };

// A POST that got no answer keeps its key, so that sending the very same request again repeats no work.
const keysWithoutAnswer = new Map<string, string>();

async function send(request: Request): Promise<Response> {
  request.headers.set("Accept-Language", answerLanguage.current);
  const print = request.method === "POST" ? `${request.url} ${await request.clone().text()}` : null;
  if (print !== null) {
    const key = keysWithoutAnswer.get(print) ?? randomKey();
    keysWithoutAnswer.set(print, key);
    request.headers.set("Idempotency-Key", key);
  }
  const response = await fetch(request).catch(() => {
    throw localProblem(request.method === "GET" ? "no_answer" : "no_answer_change");
  });
  if (print !== null) keysWithoutAnswer.delete(print);
  if (!response.ok) throw await readProblem(response);
  return response;
}

/** The typed client of the public API. Every answer that is not a success is thrown as a `ProblemError`. */
export const api = createClient<paths>({ baseUrl: window.location.origin, credentials: "same-origin", fetch: send });

/** The body of a successful answer; failures were thrown before this is reached. */
export async function body<T>(call: Promise<{ data?: T }>): Promise<T> {
  const { data } = await call;
  if (data === undefined) throw localProblem("bad_answer");
  return data;
}
