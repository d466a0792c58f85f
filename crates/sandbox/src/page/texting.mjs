// A phone's conversation with one number: texts and pictures in both directions.
import { control, send } from "./api.mjs";
import { conversation } from "./conversation.mjs";
import { button, fill, h, icon, say } from "./dom.mjs";
import { has, number as count, shortTime, t } from "./i18n.mjs";
import { chosen, noteSent, sentAs } from "./people.mjs";
import { readNow, store } from "./store.mjs";

/** The sandbox takes a request of 2 MB; base64 makes a file a third larger. */
const PICTURES_BYTES_MAX = 1_400_000;
const LATE = ["delivered", "sent", "received", "read"];
const LOST = ["failed", "undelivered", "canceled"];

export function textCard(to) {
  const list = h("ol", { class: "bubbles" });
  const room = h("div", { class: "room", role: "log", "aria-label": t("text.conversation"), tabindex: 0 }, list);
  const body = h("textarea", { rows: 2, maxlength: 1600, "aria-label": t("text.body"), placeholder: t("text.body") });
  const files = h("input", {
    type: "file",
    accept: "image/*",
    multiple: true,
    class: "unseen",
    id: "pictures",
    onchange: showChosen,
  });
  const chosenFiles = h("div", { class: "attached" });
  const go = h("button", { class: "button primary", type: "submit" }, icon("send"), h("span", null, t("text.go")));
  const attach = h(
    "label",
    { class: "button plain", for: "pictures" },
    icon("picture"),
    h("span", null, t("text.attach")),
  );
  const form = h(
    "form",
    { class: "composer", onsubmit },
    body,
    chosenFiles,
    h("div", { class: "row end" }, files, attach, go),
  );
  const card = h(
    "section",
    { class: "card texts", "aria-labelledby": "text-title" },
    h("h2", { id: "text-title" }, icon("text"), t("text.title")),
    room,
    form,
  );
  body.onkeydown = (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) form.requestSubmit();
  };

  let height;

  function showChosen() {
    fill(
      chosenFiles,
      [...files.files].map(({ name, size }) => [name, size]),
      () =>
        [...files.files].map(({ name, size }) =>
          h("span", { class: "pill calm" }, `${name} · ${count(Math.ceil(size / 1024))} kB`),
        ),
    );
  }

  async function onsubmit(event) {
    event.preventDefault();
    const called = to();
    const chosenNow = [...files.files];
    if (!called) return;
    if (!body.value.trim() && chosenNow.length === 0) return say(t("text.empty_refused"), "bad");
    if (chosenNow.reduce((sum, { size }) => sum + size, 0) > PICTURES_BYTES_MAX) return say(t("text.too_large"), "bad");
    go.disabled = true;
    card.setAttribute("aria-busy", "true");
    try {
      const media = await Promise.all(chosenNow.map(encoded));
      const message = { from: chosen().number, to: called, body: body.value, ...(media.length > 0 && { media }) };
      const answer = await send(control("POST", "messages", message));
      noteSent(answer.message_sid, answer.deliveries ?? [], chosenNow);
      body.value = "";
      files.value = "";
      showChosen();
      say(told(answer.deliveries ?? []));
      await readNow();
    } catch (error) {
      say(t("error.refused", { words: error.message }), "bad");
    } finally {
      go.disabled = false;
      card.removeAttribute("aria-busy");
      update();
    }
  }

  function update() {
    const other = to({ quiet: true });
    const messages = conversation(store.state, chosen().number, other);
    fill(
      list,
      [chosen().number, other, messages.map(({ sid, status, body }) => [sid, status, body, sentAs(sid)])],
      () =>
        messages.length > 0
          ? messages.map(bubble)
          : h("li", { class: "quiet" }, other ? t("text.none", { number: other }) : t("text.choose")),
    );
    if (room.scrollHeight !== height) room.scrollTop = height = room.scrollHeight;
  }
  return { element: card, update };
}

async function encoded(file) {
  const url = await new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.onload = () => resolve(reader.result);
    reader.onerror = () => reject(reader.error);
    reader.readAsDataURL(file);
  });
  return { content_type: file.type || "application/octet-stream", base64: url.slice(url.indexOf(",") + 1) };
}

function bubble(message) {
  const mine = message.from === chosen().number;
  const own = mine ? sentAs(message.sid) : undefined;
  const status = mine ? told(own?.deliveries) : state(message);
  return h(
    "li",
    { class: mine ? "mine" : "theirs", "data-sid": message.sid },
    h("span", { class: "unseen" }, t(mine ? "text.you" : "text.they", { number: message.from })),
    message.body && h("p", null, message.body),
    (own?.pictures ?? message.media).map(picture),
    h("small", null, [shortTime(message.date_created), status].filter(Boolean).join(" · ")),
  );
}

/** The picture's own address is of another host name: its path is here too. */
function picture(media) {
  const url = typeof media === "string" ? media : media.url;
  if (url?.startsWith("blob:")) return h("img", { src: url, alt: t("text.picture") });
  const path = url?.startsWith("/") ? url : URL.canParse(url) ? new URL(url).pathname : "";
  if (!path.startsWith("/storage/"))
    return h("a", { href: URL.canParse(url) ? url : undefined, rel: "noreferrer", target: "_blank" }, url);
  return h("img", { src: path, alt: t("text.picture"), loading: "lazy" });
}

/** What happened to a text of ours. */
function told(deliveries) {
  if (deliveries === undefined) return "";
  if (deliveries.length === 0) return t("text.told_nobody");
  return deliveries
    .map(({ url, status, failure }) => t("text.told", { url, status: status ?? failure ?? t("log.no_answer") }))
    .join(" · ");
}

/** Texts from providers that are still on their way, or will never come, are shown as that. */
function state({ status, error_code }) {
  if (LATE.includes(status)) return "";
  if (!LOST.includes(status)) return t("text.on_its_way", { status });
  const code = error_code ? String(error_code) : "";
  return t("text.lost", { why: has(`message_error.${code}`) ? t(`message_error.${code}`) : status, code });
}
