/** JSON from strangers: what is read, what is refused, and that it takes no stack and little time. */
import { describe, expect, test } from "vitest";
import { parseJson } from "../../src/formats/json.ts";

const parse = (text: string, options = {}) => parseJson(new TextEncoder().encode(text), ["config.json"], options);

describe("read", () => {
  test.each([
    '{"a": [1, 2.5, "x", null, true], "b": {"a": 1}}',
    '"text"',
    "3",
    '{"a:": "{\\"b\\": [", "c": "\\\\"}',
    "[{}, {}]",
    '{"a": "a", "b": "a"}',
  ])("%s", (text) => expect(parse(text)).toEqual(JSON.parse(text)));
  test("infinities, as Python writes them, but not inside texts", () => {
    expect(parse('{"max": Infinity, "list": [-Infinity, 1], "name": "Infinity NaN"}')).toEqual({
      max: Number.POSITIVE_INFINITY,
      list: [Number.NEGATIVE_INFINITY, 1],
      name: "Infinity NaN",
    });
  });
  test("a mark of byte order", () => expect(parse("\ufeff[1]")).toEqual([1]));
  test("nesting up to the bound", () => expect(parse(`${"[".repeat(256)}${"]".repeat(256)}`)).toHaveLength(1));
  test("a key that JavaScript treats specially is only a key", () => {
    const value = parse('{"__proto__": {"polluted": 1}, "constructor": 2}') as object;
    expect(Object.getPrototypeOf(value)).toBe(Object.prototype);
    expect(Object.hasOwn(value, "__proto__")).toBe(true);
  });
});

describe("refused", () => {
  test.each([
    ["NaN", "[NaN]", /NaN in a JSON text/],
    ["a key twice", '{"a": 1, "a": 2}', /"a" twice/],
    ["a key twice in two spellings", '{"a": 1, "\\u0061" : 2}', /"a" twice/],
    ["a key twice with space before the colon", `{"a"${" ".repeat(50)}: 1, "a": 2}`, /"a" twice/],
    ["nesting beyond the bound", "[".repeat(257) + "]".repeat(257), /nested deeper than 256/],
    ["a text that ends early", '{"a": [1, 2', /expected a JSON text/],
    ["an open quote", '"abc', /expected a JSON text/],
    ["a broken escape in a key", '{"\\u00": 1}', /expected a JSON text/],
    ["nothing", "", /expected a JSON text/],
    ["a word that begins like infinity", "[Infinityx]", /expected a JSON text/],
    ["a number before infinity", "[1Infinity]", /expected a JSON text/],
    ["a number behind infinity", "[Infinity0]", /expected a JSON text/],
  ])("%s", (_, text, message) => expect(() => parse(text)).toThrow(message));

  test("bytes that are not UTF-8", () => {
    expect(() => parseJson(Uint8Array.of(0x22, 0xff, 0x22), [])).toThrow(/corrupt-file/);
  });
  test("a text beyond the bound", () => expect(() => parse("[1, 2, 3]", { largestBytes: 5 })).toThrow(/9 bytes/));
  test.each(["[", '{"a":', '[{"a":'])("a million times %s", (text) => {
    const start = performance.now();
    expect(() => parse(text.repeat(1_000_000))).toThrow(/nested deeper/);
    expect(performance.now() - start).toBeLessThan(1000);
  });
});
