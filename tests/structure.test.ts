/**
 * The architecture, held by its own text: who imports whom, what no file of src/ holds, and that every public name is
 * documented where it is declared.
 */
import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";

const root = new URL("../src/", import.meta.url);

/** The files of src/ by path from there, with their text. */
const files: ReadonlyMap<string, string> = new Map(
  readdirSync(root, { recursive: true, encoding: "utf8" })
    .map((path) => path.replaceAll("\\", "/"))
    .filter((path) => path.endsWith(".ts"))
    .sort()
    .map((path) => [path, readFileSync(new URL(path, root), "utf8")]),
);

/** Without comments. Strings stay, so that a `//` inside one counts as a comment's start unless a colon is before it. */
function code(text: string): string {
  return text.replace(/\/\*[\s\S]*?\*\//g, "").replace(/(?<!:)\/\/.*$/gm, "");
}

/** What a file imports or exports on, types included, with relative paths resolved to paths from src/. */
function imports(path: string): string[] {
  const found = [
    ...code(files.get(path)!).matchAll(
      /(?:^|\s)(?:import|export)\b[^;"']*?from\s*"([^"]+)"|(?:^|\s)import\s*\(?\s*"([^"]+)"/g,
    ),
  ];
  return found.map(([, named, bare]) => {
    const target = (named ?? bare)!;
    return target.startsWith(".")
      ? decodeURI(new URL(target, new URL(path, root)).href.slice(root.href.length))
      : target;
  });
}

/** All files that a file needs, itself included. */
function closure(path: string, seen = new Set<string>()): Set<string> {
  if (seen.has(path)) return seen;
  seen.add(path);
  for (const target of imports(path)) if (files.has(target)) closure(target, seen);
  return seen;
}

describe("imports only point left", () => {
  const order = [
    "error.ts options.ts version.ts axes.ts strided.ts tensor.ts platform".split(" "),
    ["bytes"],
    ["formats"],
    ["graph"],
    ["ops"],
    ["dialects"],
    ["plan"],
    ["backends"],
    ["serve"],
    ["api"],
    ["index.ts", "run.ts", "serve.ts", "serve.node.ts"],
    ["cli"],
  ];
  const layer = (path: string) => order.findIndex((names) => names.includes(path.split("/")[0]!));

  test.each([...files.keys()])("%s", (path) => {
    expect(layer(path), "a file outside the layers").toBeGreaterThanOrEqual(0);
    const relative = imports(path).filter((target) => target.endsWith(".ts"));
    expect(relative.filter((target) => !files.has(target))).toEqual([]);
    expect(relative.filter((target) => layer(target) > layer(path))).toEqual([]);
  });

  test("the way through is found at all", () => {
    expect(imports("api/load.ts")).toContain("formats/read.ts");
    expect(imports("index.ts")).toContain("tensor.ts");
    expect(closure("index.ts").size).toBeGreaterThan(50);
  });
});

describe("independent readings of a graph share nothing", () => {
  const under = (folder: string) => [...files.keys()].filter((path) => path.startsWith(folder));
  const reached = (folder: string) => [...new Set(under(folder).flatMap((path) => [...closure(path)]))];

  test("the reference has no line in common with the engine or PyTorch", () => {
    expect(reached("backends/reference/").filter((path) => /^backends\/(wasm|torch)\//.test(path))).toEqual([]);
  });

  test("the interpreter of PyTorch knows neither operators nor axes nor the engine", () => {
    const own = /^(backends\/torch\/interpret(er\/.*)?|error|platform\/scratch)/;
    expect(under("backends/torch/interpreter/").length).toBeGreaterThan(0);
    expect(
      [...reached("backends/torch/interpreter/"), ...closure("backends/torch/interpret.ts")].filter(
        (path) => !own.test(path),
      ),
    ).toEqual([]);
  });

  test("the engine knows neither the reference nor PyTorch", () => {
    expect(reached("backends/wasm/").filter((path) => /^backends\/(reference|torch)\//.test(path))).toEqual([]);
  });

  test("the handler carries no engine", () => {
    expect(closure("serve.ts")).toContain("serve/batcher.ts");
    expect(
      [...closure("serve.ts")].filter((path) => /^(graph|ops|plan|backends|dialects|formats|api)\//.test(path)),
    ).toEqual([]);
  });

  test("the small entry carries no reader of Keras files, no PyTorch and no second runtime", () => {
    expect(
      [...closure("run.ts")].filter((path) =>
        /^(backends\/(torch|reference)|dialects\/keras|formats\/keras|bytes\/(hdf5|zip)|cli)/.test(path),
      ),
    ).toEqual([]);
  });
});

describe("what no file holds", () => {
  const rules: readonly (readonly [what: string, pattern: RegExp, where: (path: string) => boolean])[] = [
    ["a default export", /\bexport\s+default\b|\bas\s+default\b/, () => true],
    ["a variable that others could see change", /\bexport\s+(let|var)\b/, () => true],
    ["code made of text at run time", /(?<![.\w])eval\(|\bnew\s+Function\b|(?<![.\w])Function\(/, () => true],
    [
      "a module of Node outside platform and cli",
      /["'`]node:|\bprocess\.|\brequire\(/,
      (path) => !/^(platform|cli)\//.test(path),
    ],
    [
      "chance or time outside cli",
      /\bMath\.random\b|\bDate\.now\b|\bnew\s+Date\b|\bperformance\.now\b/,
      (path) => !path.startsWith("cli/"),
    ],
    ["a silenced compiler", /@ts-(ignore|expect-error|nocheck)|\bas\s+any\b|:\s*any\b/, () => true],
    ["output outside cli", /\bconsole\.\w+\(/, (path) => !path.startsWith("cli/")],
  ];

  test.each(rules)("%s", (_, pattern, where) => {
    const found = [...files].filter(([path, text]) => where(path) && pattern.test(code(text))).map(([path]) => path);
    expect(found).toEqual([]);
  });

  test("a note that something is left to do", () => {
    expect([...files].filter(([, text]) => /\b(TODO|FIXME|XXX)\b/.test(text)).map(([path]) => path)).toEqual([]);
  });

  test("more than 500 lines, unless the header says why", () => {
    const long = [...files].filter(([, text]) => text.split("\n").length > 500 && !/\b500 lines\b/.test(header(text)));
    expect(long.map(([path]) => path)).toEqual([]);
  });

  test("logic in an index.ts of a folder", () => {
    const indexes = [...files].filter(([path]) => path.endsWith("/index.ts") && !path.startsWith("cli/"));
    expect(indexes.length).toBeGreaterThan(0);
    expect(
      indexes
        .filter(([, text]) =>
          /\b(if|for|while|switch)\s*\(/.test(code(text).replace(/\bif \(!Object\.hasOwn.*$/gm, "")),
        )
        .map(([path]) => path),
    ).toEqual([]);
  });
});

/** The comment that a file opens with. */
function header(text: string): string {
  return /^(?:#!.*\n)?\s*(\/\*\*[\s\S]*?\*\/)/.exec(text)?.[1] ?? "";
}

test.each([...files.keys()])("%s opens with what it is", (path) => {
  expect(header(files.get(path)!).length).toBeGreaterThan(20);
});

// ------------------------------------------------------------------------------------------------ documentation

/** The names that a file exports on from others, with the file that they come from. */
function reexports(path: string): { name: string; from: string }[] {
  const found = [...code(files.get(path)!).matchAll(/\bexport\s+(?:type\s+)?\{([^}]*)\}\s*from\s*"([^"]+)"/g)];
  return found.flatMap(([, names, target]) => {
    const from = new URL(target!, new URL(path, root)).href.slice(root.href.length);
    return names!
      .split(",")
      .map((name) => name.trim().replace(/^type\s+/, ""))
      .filter((name) => name !== "")
      .map((name) => ({ name: name.split(/\s+as\s+/)[0]!, from }));
  });
}

/** The names that a file declares and exports itself. */
function declared(path: string): string[] {
  const found = [
    ...code(files.get(path)!).matchAll(
      /^export\s+(?:declare\s+)?(?:async\s+)?(?:abstract\s+)?(?:function\*?|class|interface|type|const|enum)\s+(\w+)/gm,
    ),
  ];
  return found.map(([, name]) => name!);
}

/** The comment right above a declaration, followed through files that only export on; undefined without one. */
function comment(name: string, path: string): string | undefined {
  const onward = reexports(path).find((entry) => entry.name === name);
  if (onward) return comment(name, onward.from);
  const declaration = new RegExp(
    `(/\\*\\*(?:(?!\\*/)[\\s\\S])*\\*/)\\s*export\\s+(?:declare\\s+)?(?:async\\s+)?(?:abstract\\s+)?(?:function\\*?|class|interface|type|const|enum)\\s+${name}\\b`,
  );
  return declaration.exec(files.get(path)!)?.[1];
}

describe.each([
  ["index.ts", ["load", "ChannelwiseError"]],
  ["run.ts", ["load", "ChannelwiseError"]],
  ["serve.ts", ["serve", "ServeOptions"]],
  ["serve.node.ts", ["listen", "ListenOptions"]],
])("every public name of %s is documented", (entry, some) => {
  const names = [...reexports(entry), ...declared(entry).map((name) => ({ name, from: entry }))];

  test.each(names)("$name", ({ name, from }) => {
    expect(comment(name, from)).toMatch(/\w+/);
  });

  test("there are some", () => {
    expect(names.map(({ name }) => name)).toEqual(expect.arrayContaining(some));
  });
});
