import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import ts from "typescript";
import { describe, expect, test } from "vitest";
import en from "../src/locales/en.json";
import fr from "../src/locales/fr.json";

type Texts = Record<string, Record<string, string>>;

const src = join(import.meta.dirname, "../src");
const files = readdirSync(src, { recursive: true, encoding: "utf8" }).filter((file) => /\.tsx?$/.test(file));
const entries = (texts: Texts) =>
  Object.entries(texts).flatMap(([area, words]) => Object.entries(words).map(([key, text]) => [`${area}.${key}`, text] as const));
const blanks = (text: string) => (text.match(/{{\w+}}/g) ?? []).sort();

describe("English and French (F1)", () => {
  test("have the same keys in the same order", () => {
    expect(entries(fr).map(([key]) => key)).toEqual(entries(en).map(([key]) => key));
  });

  test("leave the same blanks to fill in, and no text empty", () => {
    const french = new Map(entries(fr));
    for (const [key, text] of entries(en)) {
      expect(text, key).not.toBe("");
      expect(french.get(key), key).not.toBe("");
      // A singular may spell its number out.
      if (!key.endsWith("_one")) expect(blanks(french.get(key) ?? ""), key).toEqual(blanks(text));
    }
  });

  test("French never breaks a line before its high punctuation", () => {
    for (const [key, text] of entries(fr)) expect(text, key).not.toMatch(/ [:;?!»]|« /);
  });

  test("every text is used", () => {
    const code = files.map((file) => readFileSync(join(src, file), "utf8")).join("\n");
    const isUsed = (key: string) => {
      const plain = key.replace(/_(one|other)$/, "");
      // Put together from a constant: `health.${…}`, `operation.kind_${…}`, `role.${…}_hint`.
      const stems = [...plain.matchAll(/[._]/g)].map(({ index }) => `\`${plain.slice(0, index + 1)}\${`);
      return code.includes(`"${plain}"`) || stems.some((stem) => code.includes(stem));
    };
    const unused = entries(en).filter(([key]) => !isUsed(key));
    expect(unused.map(([key]) => key)).toEqual([]);
  });
});

/** Attributes that a person reads or hears. */
const READ = new Set(["label", "title", "placeholder", "description", "aria-label", "alt", "text", "lead", "action"]);
/** Names and formats, the same in every language. */
const SAME_EVERYWHERE = new Set(["AC…", "+33612345678", "https://"]);

function hardCoded(file: string): string[] {
  const source = ts.createSourceFile(file, readFileSync(join(src, file), "utf8"), ts.ScriptTarget.Latest, true, ts.ScriptKind.TSX);
  const found: string[] = [];
  const visit = (node: ts.Node) => {
    const words = ts.isJsxText(node) ? node.text.trim() : attributeText(node);
    if (words && /\p{L}/u.test(words) && !SAME_EVERYWHERE.has(words)) {
      found.push(`${file}:${source.getLineAndCharacterOfPosition(node.getStart()).line + 1}: ${words}`);
    }
    ts.forEachChild(node, visit);
  };
  visit(source);
  return found;
}

function attributeText(node: ts.Node): string | undefined {
  if (!ts.isJsxAttribute(node) || !READ.has(node.name.getText())) return undefined;
  return node.initializer && ts.isStringLiteral(node.initializer) ? node.initializer.text : undefined;
}

test("no page has words of its own", () => {
  expect(files.filter((file) => file.endsWith(".tsx")).flatMap(hardCoded)).toEqual([]);
});
