// A pure function of the state: the texts between a phone and a number.

/** Both directions, oldest first, with the pictures that reached the phone. */
export function conversation(state, phone, other) {
  if (!state || !other) return [];
  const between = ({ from, to }) => (from === phone && to === other) || (from === other && to === phone);
  const texts = (state.phones[phone]?.seen ?? []).filter(({ kind }) => kind === "text");
  const seen = new Map(texts.map((text) => [text.message_sid, text]));
  const messages = state.messages
    .filter(between)
    .map((message) => ({ ...message, media: seen.get(message.sid)?.media ?? message.media ?? [] }));
  const known = new Set(messages.map(({ sid }) => sid));
  // Old messages are not in the state any more, and Twilio keeps none of its own replies: the phone does.
  const remembered = texts
    .filter(({ message_sid, from }) => from === other && !known.has(message_sid))
    .map((text) => ({ ...text, sid: text.message_sid, status: "delivered", date_created: text.at }));
  return [...remembered, ...messages].sort((a, b) => Date.parse(a.date_created) - Date.parse(b.date_created));
}
