import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { expect } from "vitest";

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

/** No serious violation of the accessibility rules that a program can check, once what moves has come to rest. */
export async function expectAccessible(page) {
  await page.waitForFunction(() => document.getAnimations().every(({ playState }) => playState !== "running"));
  await page.evaluate(axe);
  const { violations } = await page.evaluate(() => window.axe.run({ resultTypes: ["violations"] }));
  const serious = violations
    .filter(({ impact }) => impact === "serious" || impact === "critical")
    .map(({ id, nodes }) => ({ id, nodes: nodes.map(({ html, failureSummary }) => `${html}\n${failureSummary}`) }));
  expect(serious, `accessibility of ${page.url()}`).toEqual([]);
}

/** Collects what a page reports as broken. An answer that refuses a request is not: the tests provoke those. */
export function watchErrors(page) {
  const seen = [];
  page.on("pageerror", (error) => seen.push(String(error)));
  page.on("console", (message) => message.type() === "error" && seen.push(message.text()));
  return { unexpected: () => seen.filter((text) => !/Failed to load resource/.test(text)) };
}
