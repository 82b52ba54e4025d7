/** Names from files in messages. */
import { expect, test } from "vitest";
import { printable } from "../../src/bytes/printable.ts";

test.each([
  ["layers/conv1d/vars/0", "layers/conv1d/vars/0"],
  ["Schicht Größe 数 🙂", "Schicht Größe 数 🙂"],
  ["a\nb\u001b[2J", "a\\u{a}b\\u{1b}[2J"],
  ["\u009b31m\u007f", "\\u{9b}31m\\u{7f}"],
  ["\u202egnp.exe", "\\u{202e}gnp.exe"],
  ["\ud800", "\\u{d800}"],
  ["", ""],
])("%j", (text, shown) => expect(printable(text)).toBe(shown));

test("start and end of a long text are kept", () => {
  const shown = printable(`start${"x".repeat(1e6)}end`);
  expect(shown).toMatch(/^startx+…x+end$/);
  expect(shown).toHaveLength(120);
  expect(printable("x".repeat(120))).toHaveLength(120);
});
