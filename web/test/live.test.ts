import { expect, test } from "vitest";
import texts from "../../crates/domain/texts/en.json";
import { EVENTS } from "../src/api/live";

test("pages listen to exactly the events that the server has a sentence for", () => {
  const told = Object.keys(texts)
    .filter((key) => key.startsWith("event."))
    .map((key) => key.slice("event.".length))
    // What belongs to no organisation is told to none.
    .filter((kind) => !kind.startsWith("installation."));
  const heard = Object.entries(EVENTS).flatMap(([subject, { verbs }]) => verbs.map((verb) => `${subject}.${verb}`));
  expect(heard.sort()).toEqual(told.sort());
});
