import type { Problem } from "./types";

/** What a failed request becomes: the server's problem document, or one of our own where no document came. */
export class ProblemError extends Error {
  readonly problem: Problem;
  /** The id to quote when asking for help; absent when no answer came. */
  readonly requestId: string | null;
  /** From when on it is worth trying again, in milliseconds since 1970; null where the server names no time. */
  readonly retryAt: number | null;

  constructor(problem: Problem, requestId: string | null = null, retryAt: number | null = null) {
    super(problem.message);
    this.problem = problem;
    this.requestId = requestId;
    this.retryAt = retryAt;
  }
}

/** Problems that only the browser can see; their words are in the locale files under `problem`. */
export type LocalCode = "no_answer" | "no_answer_change" | "bad_answer" | "passkey_cancelled" | "passkey_known";

export function localProblem(code: LocalCode, status = 0): ProblemError {
  const words = { title: "", detail: "", message: "", remedy: "" };
  return new ProblemError({ type: "about:blank", instance: "", status, code, success: false, ...words });
}

/** Reads the problem document of an answer that is not a success. */
export async function readProblem(response: Response): Promise<ProblemError> {
  const body: unknown = await response.json().catch(() => null);
  const isDocument = typeof body === "object" && body !== null && "code" in body && "message" in body;
  if (!isDocument) return localProblem("bad_answer", response.status);
  const seconds = Number(response.headers.get("Retry-After"));
  const retryAt = seconds > 0 ? Date.now() + seconds * 1000 : null;
  return new ProblemError(body as Problem, response.headers.get("X-Request-Id"), retryAt);
}

/** Any thrown value as a problem, so that pages show errors in one way. */
export function problemOf(error: unknown): ProblemError {
  return error instanceof ProblemError ? error : localProblem("bad_answer");
}

export const isSignedOut = (error: unknown): boolean =>
  error instanceof ProblemError && error.problem.status === 401 && error.problem.provider == null;

/** The organisation requires a second factor, and the member has none. */
export const isFactorNeeded = (error: unknown): boolean =>
  error instanceof ProblemError && error.problem.code === "second_factor_needed";

/** The problem's messages per form field, in the form that `form.setErrors` takes. */
export function fieldErrors(error: unknown): Record<string, string> {
  const errors = error instanceof ProblemError ? (error.problem.errors ?? []) : [];
  return Object.fromEntries(errors.map(({ field, message }) => [field, message]));
}
