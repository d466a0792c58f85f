import type { components, paths } from "./schema";

type Schemas = components["schemas"];

export type Alert = Schemas["Alert"];
export type Assistant = Schemas["Assistant"];
export type AuditEntry = Schemas["AuditEntry"];
export type AuditVerdict = Schemas["AuditVerdict"];
export type Change = Schemas["Change"];
export type Check = Schemas["Check"];
export type DiaryEntry = Schemas["DiaryEntry"];
export type Doctor = Schemas["Doctor"];
export type Factors = Schemas["Factors"];
export type FieldDrift = Schemas["FieldDrift"];
export type Invitation = Schemas["Invitation"];
export type Line = Schemas["Line"];
export type Member = Schemas["Member"];
export type MyOrganisation = Schemas["MyOrganisation"];
export type OpenInvitation = Schemas["OpenInvitation"];
export type Operation = Schemas["Operation"];
export type Organisation = Schemas["Organisation"];
export type OwnSession = Schemas["OwnSession"];
export type Passkey = Schemas["Passkey"];
export type Problem = Schemas["Problem"];
export type Readiness = Schemas["Readiness"];
export type SecondFactor = Schemas["SecondFactor"];
export type Session = Schemas["Session"];
export type Setup = Schemas["Setup"];
export type Step = Schemas["Step"];
export type TapeEntry = Schemas["TapeEntry"];
export type Token = Schemas["Token"];
export type VapiNumber = Schemas["VapiNumber"];
export type Watch = Schemas["Watch"];
export type Webhook = Schemas["Webhook"];

type QueryOf<Path extends keyof paths> = paths[Path] extends { get: { parameters: { query?: infer Q } } } ? NonNullable<Q> : never;

export type AuditFilter = Omit<QueryOf<"/api/v1/audit">, "cursor" | "limit">;
export type TapeFilter = Omit<QueryOf<"/api/v1/tape">, "cursor" | "limit">;

export type Role = Member["role"];
export type Health = Line["health"];

/** The roles, most powerful first: nobody grants a role above their own. */
export const ROLES: readonly Role[] = ["owner", "admin", "agent", "viewer"];
