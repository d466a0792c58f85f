// The people with a phone: who they are is remembered in this browser, what they did as long as the page is open.

const KEPT = "dialtone.sandbox.phones";
/** Numbers that are set aside for films and examples in the United States and in France. */
const FIRST = [
  { number: "+14155550100", to: "", says: "" },
  { number: "+33639980001", to: "", says: "" },
];
const CALLS_MAX = 50;

export const E164 = /^\+[1-9]\d{6,14}$/;

export const people = load();

function load() {
  try {
    const kept = JSON.parse(localStorage.getItem(KEPT));
    const phones = kept.phones.filter(({ number }) => E164.test(number));
    if (phones.length > 0) return { phones, chosen: Math.min(kept.chosen ?? 0, phones.length - 1) };
  } catch {
    // Nothing was kept, or something that is not ours.
  }
  return { phones: structuredClone(FIRST), chosen: 0 };
}

export function keep() {
  localStorage.setItem(KEPT, JSON.stringify(people));
}

export const chosen = () => people.phones[people.chosen];

export function choose(index) {
  people.chosen = index;
  keep();
}

/** Adds the next phone of the same country, with a number that none of them has. */
export function add() {
  let number = BigInt(chosen().number.slice(1));
  do number += 1n;
  while (people.phones.some((phone) => phone.number === `+${number}`));
  people.phones.push({ number: `+${number}`, to: chosen().to, says: "" });
  choose(people.phones.length - 1);
}

export function remove(index) {
  people.phones.splice(index, 1);
  choose(Math.max(0, index - 1));
}

/** Calls that a phone placed, newest first. */
const placed = new Map();
/** What a phone sent, by the message's SID: where it was delivered, and its pictures. */
const sent = new Map();

export const callsOf = (phone) => placed.get(phone) ?? [];

export function noteCall(phone, call) {
  placed.set(phone, [call, ...callsOf(phone)].slice(0, CALLS_MAX));
}

export const sentAs = (sid) => sent.get(sid);

export function noteSent(sid, deliveries, files) {
  sent.set(sid, { deliveries, pictures: files.map((file) => URL.createObjectURL(file)) });
}

/** After a reset, nothing of it has ever happened. */
export function forgetAll() {
  placed.clear();
  for (const { pictures } of sent.values()) pictures.forEach(URL.revokeObjectURL);
  sent.clear();
}
