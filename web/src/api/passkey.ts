import { api, body } from "./client";
import { localProblem } from "./problem";

/** Whether this browser can use passkeys at this address. */
export const canUsePasskeys = (): boolean =>
  "PublicKeyCredential" in window && "parseRequestOptionsFromJSON" in PublicKeyCredential;

/** What the person did not confirm, or the device refused, in words of our own: the browser's are for developers. */
async function asked(ceremony: () => Promise<Credential | null>): Promise<Record<string, never>> {
  const credential = await ceremony().catch((error: unknown) => {
    throw localProblem(error instanceof DOMException && error.name === "InvalidStateError" ? "passkey_known" : "passkey_cancelled");
  });
  if (!(credential instanceof PublicKeyCredential)) throw localProblem("passkey_cancelled");
  return credential.toJSON() as Record<string, never>;
}

/** Signs in with a passkey, alone or as the second factor. */
export async function signInByPasskey() {
  const { ticket, options } = await body(api.POST("/api/v1/session/passkey/options"));
  const publicKey = PublicKeyCredential.parseRequestOptionsFromJSON(options as PublicKeyCredentialRequestOptionsJSON);
  const credential = await asked(() => navigator.credentials.get({ publicKey }));
  return body(api.POST("/api/v1/session/passkey", { body: { ticket, credential } }));
}

export async function addPasskey(name: string, password: string | undefined) {
  const { ticket, options } = await body(api.POST("/api/v1/me/factors/passkeys/options", { body: { password } }));
  const publicKey = PublicKeyCredential.parseCreationOptionsFromJSON(options as PublicKeyCredentialCreationOptionsJSON);
  const credential = await asked(() => navigator.credentials.create({ publicKey }));
  return body(api.POST("/api/v1/me/factors/passkeys", { body: { ticket, name, credential } }));
}
