import type { components } from "./schema";

type Schemas = components["schemas"];

export type Assistant = Schemas["Assistant"];
export type Change = Schemas["Change"];
export type Check = Schemas["Check"];
export type Doctor = Schemas["Doctor"];
export type Factors = Schemas["Factors"];
export type Line = Schemas["Line"];
export type Member = Schemas["Member"];
export type MyOrganisation = Schemas["MyOrganisation"];
export type OpenInvitation = Schemas["OpenInvitation"];
export type Operation = Schemas["Operation"];
export type Organisation = Schemas["Organisation"];
export type OwnSession = Schemas["OwnSession"];
export type Passkey = Schemas["Passkey"];
export type Problem = Schemas["Problem"];
export type SecondFactor = Schemas["SecondFactor"];
export type Session = Schemas["Session"];
export type Setup = Schemas["Setup"];
export type Step = Schemas["Step"];
export type Token = Schemas["Token"];
export type VapiNumber = Schemas["VapiNumber"];

export type Role = Member["role"];
export type Health = Line["health"];

/** The roles, most powerful first: nobody grants a role above their own. */
export const ROLES: readonly Role[] = ["owner", "admin", "agent", "viewer"];
