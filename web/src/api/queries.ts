import { infiniteQueryOptions, queryOptions } from "@tanstack/react-query";
import { api, body } from "./client";
import type { AuditFilter, Readiness, TapeFilter } from "./types";

/** How a list that comes in pages goes on: every such answer has the cursor of the next one. */
const PAGES = {
  initialPageParam: undefined as string | undefined,
  getNextPageParam: (page: { next_cursor: string | null }) => page.next_cursor ?? undefined,
};
const OPEN_ALERTS_MAX = 100;

/** Everything that pages read, one entry each. The first word of a key is what live events name. */
export const queries = {
  setupNeeded: () =>
    queryOptions({ queryKey: ["setup-needed"], queryFn: () => body(api.GET("/api/v1/setup")), staleTime: Infinity }),

  session: () =>
    queryOptions({
      queryKey: ["session"],
      queryFn: async () => (await body(api.GET("/api/v1/session"))).session,
      staleTime: 5 * 60_000,
    }),

  signInMethods: () =>
    queryOptions({ queryKey: ["sign-in-methods"], queryFn: () => body(api.GET("/api/v1/sign-in-methods")), staleTime: Infinity }),

  /** Whom a link invites; the secret is what the link ends with. */
  invitation: (secret: string) =>
    queryOptions({
      queryKey: ["invitation", secret],
      queryFn: async () => (await body(api.POST("/api/v1/invitation", { body: { secret } }))).invitation,
      retry: false,
    }),

  factors: () =>
    queryOptions({ queryKey: ["factors"], queryFn: async () => (await body(api.GET("/api/v1/me/factors"))).factors }),

  sessions: () =>
    queryOptions({ queryKey: ["sessions"], queryFn: async () => (await body(api.GET("/api/v1/sessions"))).sessions }),

  organisations: () =>
    queryOptions({
      queryKey: ["organisations"],
      queryFn: async () => (await body(api.GET("/api/v1/organisations"))).organisations,
    }),

  organisation: () =>
    queryOptions({
      queryKey: ["organisation"],
      queryFn: async () => (await body(api.GET("/api/v1/organisation"))).organisation,
    }),

  members: () =>
    queryOptions({ queryKey: ["members"], queryFn: async () => (await body(api.GET("/api/v1/members"))).members }),

  tokens: () =>
    queryOptions({ queryKey: ["tokens"], queryFn: async () => (await body(api.GET("/api/v1/tokens"))).tokens }),

  twilioSettings: () =>
    queryOptions({ queryKey: ["settings", "twilio"], queryFn: () => body(api.GET("/api/v1/twilio-settings")) }),

  vapiSettings: () =>
    queryOptions({ queryKey: ["settings", "vapi"], queryFn: () => body(api.GET("/api/v1/vapi-settings")) }),

  setup: () =>
    queryOptions({ queryKey: ["setup"], queryFn: async () => (await body(api.GET("/api/v1/setup-status"))).setup }),

  assistants: () =>
    queryOptions({
      queryKey: ["assistants"],
      queryFn: async () => (await body(api.GET("/api/v1/assistants"))).assistants,
    }),

  vapiNumbers: () =>
    queryOptions({
      queryKey: ["vapi-numbers"],
      queryFn: async () => (await body(api.GET("/api/v1/phone-numbers"))).phone_numbers,
    }),

  lines: () =>
    infiniteQueryOptions({
      queryKey: ["lines"],
      queryFn: ({ pageParam }) => body(api.GET("/api/v1/lines", { params: { query: { cursor: pageParam } } })),
      ...PAGES,
    }),

  line: (line: string) =>
    queryOptions({
      queryKey: ["line", line],
      queryFn: () => body(api.GET("/api/v1/lines/{line}", { params: { path: { line } } })),
    }),

  /** Asks the providers about a number, also one that is no line yet, and keeps nothing. */
  checks: (number: string) =>
    queryOptions({
      queryKey: ["checks", number],
      queryFn: async () => (await body(api.GET("/api/v1/lines/{line}/checks", { params: { path: { line: number } } }))).doctor,
      staleTime: 0,
      retry: false,
    }),
  /** Asks the providers, so it is slower than the others and not repeated on every event. Who may has it kept. */
  doctor: (line: string) =>
    queryOptions({
      queryKey: ["doctor", line],
      queryFn: async ({ client }) => {
        const params = { path: { line } };
        const { permissions } = await client.ensureQueryData(queries.session());
        if (!permissions.includes("lines.watch")) {
          return (await body(api.GET("/api/v1/lines/{line}/checks", { params }))).doctor;
        }
        const { doctor } = await body(api.POST("/api/v1/lines/{line}/look", { params }));
        // The server remembers what it saw: the health of the line is read again wherever it is shown.
        for (const key of ["line", "lines"]) void client.invalidateQueries({ queryKey: [key] });
        return doctor;
      },
      staleTime: 60_000,
      retry: false,
    }),

  operations: () =>
    queryOptions({
      queryKey: ["operations"],
      queryFn: async () => (await body(api.GET("/api/v1/operations"))).operations,
    }),

  operation: (id: string) =>
    queryOptions({
      queryKey: ["operations", id],
      queryFn: async () => (await body(api.GET("/api/v1/operations/{id}", { params: { path: { id } } }))).operation,
    }),

  invitations: () =>
    queryOptions({
      queryKey: ["invitations"],
      queryFn: async () => (await body(api.GET("/api/v1/invitations"))).invitations,
    }),

  watch: () => queryOptions({ queryKey: ["watch"], queryFn: async () => (await body(api.GET("/api/v1/watch"))).watch }),

  alertMail: () =>
    queryOptions({
      queryKey: ["alert-mail"],
      queryFn: async () => (await body(api.GET("/api/v1/alert-mail"))).alert_mail,
    }),

  webhooks: () =>
    queryOptions({
      queryKey: ["webhooks"],
      queryFn: async () => (await body(api.GET("/api/v1/alert-webhooks"))).webhooks,
    }),

  /** What is wrong now: the number in the navigation, the banner of an outage, and the first list of the alerts' page. */
  openAlerts: () =>
    queryOptions({
      queryKey: ["alerts", "open"],
      queryFn: async () => {
        const query = { open: true, limit: OPEN_ALERTS_MAX };
        return (await body(api.GET("/api/v1/alerts", { params: { query } }))).alerts;
      },
    }),

  alerts: () =>
    infiniteQueryOptions({
      queryKey: ["alerts", "all"],
      queryFn: ({ pageParam }) => body(api.GET("/api/v1/alerts", { params: { query: { cursor: pageParam } } })),
      ...PAGES,
    }),

  diary: (line: string) =>
    infiniteQueryOptions({
      queryKey: ["diary", line],
      queryFn: ({ pageParam }) =>
        body(api.GET("/api/v1/lines/{line}/diary", { params: { path: { line }, query: { cursor: pageParam } } })),
      ...PAGES,
    }),

  audit: (filter: AuditFilter) =>
    infiniteQueryOptions({
      queryKey: ["audit", filter],
      queryFn: ({ pageParam }) => body(api.GET("/api/v1/audit", { params: { query: { ...filter, cursor: pageParam } } })),
      ...PAGES,
    }),

  /** Walks the whole trail, so it is asked once for a page and again only on demand. */
  auditVerdict: () =>
    queryOptions({
      queryKey: ["audit-verdict"],
      queryFn: async () => (await body(api.GET("/api/v1/audit/verification"))).audit,
      staleTime: Infinity,
    }),

  tape: (filter: TapeFilter) =>
    infiniteQueryOptions({
      queryKey: ["tape", "list", filter],
      queryFn: ({ pageParam }) => body(api.GET("/api/v1/tape", { params: { query: { ...filter, cursor: pageParam } } })),
      ...PAGES,
    }),

  taped: (id: string) =>
    queryOptions({
      queryKey: ["tape", "entry", id],
      queryFn: async () => (await body(api.GET("/api/v1/tape/{id}", { params: { path: { id } } }))).entry,
    }),

  tapeSettings: () =>
    queryOptions({ queryKey: ["tape", "settings"], queryFn: () => body(api.GET("/api/v1/tape-settings")) }),

  /** Whether the server can do all that it is there for. A server that cannot answers 503, with the same document. */
  readiness: () =>
    queryOptions({
      queryKey: ["readiness"],
      queryFn: async (): Promise<Readiness> => (await fetch("/readyz")).json(),
      staleTime: 60_000,
    }),
};
