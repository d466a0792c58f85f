// The state of both providers: numbers with where they lead, accounts, orgs, and where the two sides disagree.
import { code, copyButton, field, fill, h, icon, pill } from "./dom.mjs";
import { number as count, t, tn } from "./i18n.mjs";
import { disagreements, inVapi, orphans, textRoute, voiceRoute } from "./insight.mjs";
import { store } from "./store.mjs";

const NUMBERS = 50;

export function providersView() {
  const addresses = h("section", { class: "card" });
  const problems = h("div");
  const search = h("input", { type: "search", placeholder: "+33", oninput: () => ((limit = NUMBERS), update()) });
  const numbers = h("div");
  const accounts = h("div", { class: "stack" });
  const orgs = h("div", { class: "stack" });
  let limit = NUMBERS;

  function update() {
    const { state } = store;
    if (!state) return;
    fill(addresses, ["addresses"], () => baseAddresses());
    fill(problems, [state.orgs.map(({ phone_numbers }) => phone_numbers), state.numbers.length], () =>
      strangers(state),
    );
    const wanted = state.numbers.filter(({ phone_number }) => phone_number.includes(search.value.trim()));
    const shown = wanted.slice(0, limit);
    fill(
      numbers,
      [
        limit,
        wanted.length,
        shown,
        state.orgs,
        state.trunks,
        state.applications,
        state.accounts.map(({ status, auth_token }) => [status, auth_token]),
      ],
      () => [
        numberTable(shown, state),
        wanted.length > limit &&
          h(
            "div",
            { class: "row" },
            h(
              "button",
              { type: "button", class: "button plain", onclick: () => ((limit += NUMBERS), update()) },
              tn("state.more_numbers", wanted.length - limit),
            ),
          ),
      ],
    );
    fill(
      accounts,
      state.accounts.map(({ numbers: owned, ...rest }) => [rest, owned?.length]),
      () => state.accounts.map((account) => accountCard(account, state)),
    );
    fill(orgs, state.orgs, () => state.orgs.map((org) => orgCard(org, state)));
  }

  const element = h(
    "div",
    { class: "view" },
    h("header", { class: "page-head" }, h("h1", null, t("state.title")), h("p", null, t("state.lead"))),
    addresses,
    problems,
    h(
      "section",
      { class: "card" },
      h(
        "div",
        { class: "card-head" },
        h("h2", null, t("state.numbers")),
        h("div", { class: "inline-field" }, field(t("state.find"), search)),
      ),
      numbers,
    ),
    h(
      "div",
      { class: "columns" },
      h("section", { class: "stack" }, h("h2", { class: "section" }, t("state.twilio")), accounts),
      h("section", { class: "stack" }, h("h2", { class: "section" }, t("state.vapi")), orgs),
    ),
  );
  return { element, update };
}

function baseAddresses() {
  const rows = [
    ["DIALTONE_TWILIO_URL", `${location.origin}/twilio/{product}`],
    ["DIALTONE_VAPI_URL", `${location.origin}/vapi`],
    [t("state.control"), `${location.origin}/sandbox`],
  ];
  return [
    h("h2", null, t("state.addresses")),
    h("p", { class: "quiet" }, t("state.addresses_hint")),
    facts(rows.map(([name, url]) => [name, code(url, name)])),
  ];
}

const facts = (rows) =>
  h(
    "dl",
    { class: "facts" },
    rows
      .filter(([, value]) => value !== undefined && value !== "")
      .map(([name, value]) => [h("dt", null, name), h("dd", null, value)]),
  );

/** Numbers of Vapi that no Twilio account owns: there is no row in the table of numbers for them. */
function strangers(state) {
  const found = orphans(state);
  if (found.length === 0) return undefined;
  const words = ({ org, entry }) => t("disagree.orphan", { number: entry.number, org: org.name });
  return h(
    "section",
    { class: "card" },
    h("h2", null, icon("warn"), t("state.orphans")),
    h(
      "ul",
      { class: "problems" },
      found.map((orphan) => h("li", { class: "bad" }, words(orphan))),
    ),
  );
}

/** Where something leads, in words. */
export function routeWords({ kind, url, sid, application }) {
  const words = t(`route.${kind}`, { url: url ?? "", sid: sid ?? "" });
  return application ? t("route.by_application", { words }) : words;
}

function numberTable(numbers, state) {
  if (numbers.length === 0) return h("p", { class: "empty" }, t("state.no_numbers"));
  const heads = ["number", "calls", "texts", "in_vapi", "verdict"];
  return h(
    "div",
    { class: "scroll", tabindex: 0, role: "region", "aria-label": t("state.numbers") },
    h(
      "table",
      { class: "numbers" },
      h(
        "thead",
        null,
        h(
          "tr",
          null,
          heads.map((head) => h("th", { scope: "col" }, t(`state.col_${head}`))),
        ),
      ),
      h(
        "tbody",
        null,
        numbers.map((number) => numberRow(number, state)),
      ),
    ),
  );
}

function numberRow(number, state) {
  const voice = voiceRoute(number, state);
  const found = disagreements(number, state);
  const cell = (head, ...content) => h("td", { "data-head": t(`state.col_${head}`) }, content);
  return h(
    "tr",
    { "data-number": number.phone_number },
    h(
      "th",
      { scope: "row" },
      h(
        "span",
        { class: "copied" },
        h("strong", null, number.phone_number),
        copyButton(number.sid, `SID ${number.phone_number}`),
      ),
      h("small", null, accountName(number, state)),
    ),
    cell("calls", routeCell(voice)),
    cell("texts", routeCell(textRoute(number, state))),
    cell("in_vapi", linkWords(number.phone_number, state)),
    cell(
      "verdict",
      found.length === 0
        ? pill(t("state.fine"), "good")
        : h(
            "ul",
            { class: "problems" },
            found.map((problem) =>
              h("li", { class: problem.tone, "data-code": problem.code }, t(`disagree.${problem.code}`, problem)),
            ),
          ),
    ),
  );
}

const accountName = ({ account_sid }, { accounts }) =>
  accounts.find(({ sid }) => sid === account_sid)?.friendly_name ?? account_sid;

const routeCell = (route) => [
  h("span", null, routeWords(route)),
  route.url && route.kind !== "url" && h("small", { class: "wrap" }, route.url),
];

function linkWords(phone, state) {
  const known = inVapi(phone, state);
  if (known.length === 0) return h("span", { class: "quiet" }, t("state.not_imported"));
  return known.map(({ org, entry, assistant }) => {
    const to =
      assistant?.name ??
      (entry.assistantId ? t("state.deleted_assistant") : entry.server?.url ? t("state.by_server") : t("state.nobody"));
    return [h("span", null, to), h("small", null, org.name)];
  });
}

function accountCard(account, state) {
  const {
    sid,
    friendly_name,
    status,
    type,
    balance,
    auth_token,
    secondary_auth_token,
    owner_account_sid,
    numbers = [],
    caller_ids = [],
    keys = [],
  } = account;
  const owner =
    owner_account_sid && owner_account_sid !== sid && state.accounts.find((other) => other.sid === owner_account_sid);
  return h(
    "article",
    { class: "card", "data-account": sid },
    h(
      "header",
      { class: "card-head" },
      h("h3", null, friendly_name),
      h(
        "div",
        { class: "pills" },
        account.test && pill(t("state.test")),
        pill(type),
        pill(t(`status.${status}`), status === "active" ? "good" : "bad"),
      ),
    ),
    facts([
      ["Account SID", code(sid, "Account SID")],
      ["Auth Token", code(auth_token, "Auth Token")],
      [t("state.second_token"), secondary_auth_token ? code(secondary_auth_token, t("state.second_token")) : undefined],
      [t("state.balance"), `${balance} USD`],
      [t("state.owner"), owner ? owner.friendly_name : undefined],
      [t("state.numbers"), count(numbers.length)],
      [
        t("state.caller_ids"),
        caller_ids.length > 0 ? caller_ids.map(({ phone_number }) => phone_number).join(", ") : undefined,
      ],
      [
        t("state.keys"),
        keys.length > 0
          ? keys.map(({ sid: key, secret }) =>
              h("div", null, code(key, key), secret && copyButton(secret, `${t("state.secret")} ${key}`)),
            )
          : undefined,
      ],
    ]),
  );
}

function orgCard(org, state) {
  const owner = new Set(state.numbers.map(({ phone_number }) => phone_number));
  return h(
    "article",
    { class: "card", "data-org": org.id },
    h("header", { class: "card-head" }, h("h3", null, org.name), pill(org.region.toUpperCase())),
    facts([
      [t("state.org_id"), code(org.id, t("state.org_id"))],
      [t("state.private_key"), code(org.private_key, t("state.private_key"))],
      [t("state.public_key"), code(org.public_key, t("state.public_key"))],
      [t("state.calls"), count(org.calls?.length ?? 0)],
    ]),
    h("h4", null, t("state.assistants")),
    org.assistants.length === 0
      ? h("p", { class: "quiet" }, t("state.no_assistants"))
      : h(
          "ul",
          { class: "plain-list lines" },
          org.assistants.map(({ id, name }) =>
            h("li", null, h("span", { class: "grow" }, name ?? t("call.unnamed")), copyButton(id, `id ${name ?? ""}`)),
          ),
        ),
    h("h4", null, t("state.vapi_numbers")),
    org.phone_numbers.length === 0
      ? h("p", { class: "quiet" }, t("state.no_vapi_numbers"))
      : h(
          "ul",
          { class: "plain-list lines" },
          org.phone_numbers.map((entry) => vapiNumber(entry, org, owner)),
        ),
  );
}

function vapiNumber({ id, number, provider, assistantId, name }, org, owned) {
  const assistant = org.assistants.find((candidate) => candidate.id === assistantId);
  const missing = assistantId && !assistant;
  return h(
    "li",
    null,
    h(
      "span",
      { class: "grow" },
      h("strong", null, number ?? name ?? id),
      " → ",
      missing ? t("state.deleted_assistant") : (assistant?.name ?? t("state.nobody")),
    ),
    missing && pill(t("state.broken"), "bad"),
    provider === "twilio" && !owned.has(number) && pill(t("state.not_owned"), "bad"),
    pill(provider),
    copyButton(id, `id ${number ?? ""}`),
  );
}
