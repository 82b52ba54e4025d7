/**
 * The package as it is delivered: which runtime gets which file, what these files do and don't, what is packed, and that JSR is told
 * the same. tests/runtimes/ runs them in the real things.
 */
import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { dist, entries, manifest, readScript, root, scripts, type Targets } from "./built.ts";

/** They hold no engine, so that one bundle does for every runtime that they are for. */
const withoutHost = ["./serve", "./serve/node"];

describe("exports", () => {
  test("every target is there", () => {
    const targets = Object.values(manifest.exports).flatMap((target) =>
      typeof target === "string" ? [target] : Object.values(target),
    );
    expect(targets.filter((target) => !existsSync(new URL(target, root)))).toEqual([]);
    expect(entries.map(([name]) => name)).toContain("./run");
  });

  // The first condition that holds is taken: those that are more exact stand before those that hold besides.
  test.each(entries)("%s gives each kind of runtime its bundle", (name, targets) => {
    const [, stem] = /^\.\/dist\/([\w.]+)\.js$/.exec(targets.default!)!;
    const bundle = (ending: string) => `./dist/${stem}${ending}.js`;
    const hosted = {
      workerd: bundle(".workerd"),
      "edge-light": bundle(".edge-light"),
      deno: bundle(".node"),
      bun: bundle(".node"),
      browser: bundle(""),
      node: bundle(".node"),
    };
    const expected = {
      types: `./dist/types/${stem}.d.ts`,
      ...(withoutHost.includes(name) ? {} : hosted),
      default: bundle(""),
    };
    expect(Object.entries(targets)).toEqual(Object.entries(expected));
    const text = readFileSync(new URL(targets.default!, root), "utf8");
    expect(text.split("\n")[0]).toBe(`/* @ts-self-types="./types/${stem}.d.ts" */`);
  });

  test("kernels are there as files, which say the same id", async () => {
    const { kernelsId } = await import("../../build/kernels.js");
    for (const name of ["./kernels.wasm", "./kernels.relaxed.wasm"]) {
      const bytes = readFileSync(new URL((manifest.exports[name] as Targets).default!, root));
      expect(bytes.subarray(-27).toString("latin1")).toBe(`channelwise${kernelsId}`);
      expect(kernelsId).toMatch(/^[0-9a-f]{16}$/);
    }
  });
});

describe("bundles", () => {
  const kind = (name: string) => /\.(node|workerd|edge-light)\.js$/.exec(name)?.[1] ?? "web";
  const commands = ["cli.js", "shared.js"];
  const bundles = scripts.filter((name) => !commands.includes(name) && name !== "threads.js");
  const of = (...kinds: string[]) => bundles.filter((name) => kinds.includes(kind(name)));

  test.each(scripts.filter((name) => name !== "cli.js"))(
    "%s makes no code of text, and waits for nothing at its top",
    (name) => {
      const { called, awaitsAtTop } = readScript(name);
      expect(["eval", "Function", "require"].filter((word) => called.has(word))).toEqual([]);
      expect(awaitsAtTop).toBe(false);
    },
  );

  test("what a script calls is seen", () => {
    expect([...readScript("index.js").called]).toEqual(expect.arrayContaining(["Error", "Uint8Array"]));
  });

  test.each(of("web"))("%s imports nothing, threads when it comes to that", (name) => {
    const dynamicImports = name === "serve.js" ? [] : ["./threads.js"];
    expect(readScript(name)).toMatchObject({ imports: [], dynamicImports });
  });

  test.each(of("workerd"))("%s imports the kernels", (name) => {
    expect(readScript(name)).toMatchObject({ imports: ["./kernels.relaxed.wasm"], dynamicImports: [] });
  });

  test.each(of("edge-light"))("%s imports the kernels", (name) => {
    expect(readScript(name)).toMatchObject({ imports: ["./kernels.wasm?module"], dynamicImports: [] });
  });

  test.each(of("web", "workerd", "edge-light"))("%s names no module of Node", (name) => {
    expect(readFileSync(new URL(name, dist), "utf8")).not.toMatch(/["'`]node:/);
  });

  test.each(["run.node.js", "shared.js"])("%s imports of Node what it takes when it comes to that", (name) => {
    const { imports, dynamicImports } = readScript(name);
    expect(imports).toEqual([]);
    expect([...dynamicImports].sort()).toEqual(["./threads.js", "node:fs", "node:worker_threads"]);
  });

  /**
   * Evaluates a module in a realm that has nothing but the language, without WebAssembly, and everything frozen: what acts at import, or
   * changes something that others see, throws. What a module makes for itself is its own affair.
   */
  const alone = `
    import { readFileSync } from "node:fs";
    import vm from "node:vm";
    const context = vm.createContext({ TextDecoder, TextEncoder });
    vm.runInContext(\`
      delete globalThis.WebAssembly;
      for (const name of Object.getOwnPropertyNames(globalThis)) {
        const value = globalThis[name];
        if (typeof value === "function" && value.prototype) Object.freeze(value.prototype);
        if (typeof value === "function" || (typeof value === "object" && value !== globalThis)) Object.freeze(value);
      }
    \`, context);
    const globals = () => vm.runInContext("Object.getOwnPropertyNames(globalThis).join()", context);
    const before = globals();
    const read = (url) => new vm.SourceTextModule(readFileSync(url, "utf8"), { context, identifier: url.href });
    const kernels = () => new vm.SyntheticModule(["default"], () => {}, { context });
    const module = read(new URL(process.argv[1]));
    await module.link((path, from) => path.includes(".wasm") ? kernels() : read(new URL(path, from.identifier)));
    await module.evaluate();
    console.log(globals() === before && Object.keys(module.namespace).length > 0 ? "imported" : "changed");
  `;

  test.each(bundles)("%s does nothing at import", (name) => {
    const options = ["--experimental-vm-modules", "--no-warnings", "--input-type=module", "-e", alone];
    const run = spawnSync(process.execPath, [...options, new URL(name, dist).href], { encoding: "utf8" });
    expect(run.stdout + run.stderr).toBe("imported\n");
  });

  test("there are some of each kind", () => {
    const hosted = entries.length - withoutHost.length;
    for (const each of ["workerd", "edge-light"]) expect(of(each).length).toBe(hosted);
    for (const each of ["web", "node"]) expect(of(each).length).toBe(hosted + 1);
  });
});

/** What is packed, by path. */
function packed(): string[] {
  const listed = execFileSync("npm", ["pack", "--dry-run", "--json", "--ignore-scripts"], {
    cwd: fileURLToPath(root),
    encoding: "utf8",
    stdio: ["ignore", "pipe", "ignore"],
  });
  const [{ files }]: [{ files: { path: string }[] }] = JSON.parse(listed);
  return files.map(({ path }) => path);
}

test("links and pictures of what is packed to read lead to what is packed, too", () => {
  const paths = packed();
  const pages = paths.filter((path) => path.endsWith(".md"));
  expect(pages).toContain("README.md");
  const targets = pages.flatMap((page) => {
    const text = readFileSync(new URL(page, root), "utf8");
    const found = [...text.matchAll(/\]\(([^)\s]+)\)|<img src="([^"]+)"/g)].map(([, link, source]) => link ?? source!);
    return found.filter((target) => !/^(https?:|#)/.test(target)).map((target) => new URL(target, new URL(page, root)));
  });
  expect(targets.length).toBeGreaterThan(5);
  const missing = targets
    .map((url) => url.pathname.slice(root.pathname.length))
    .filter((path) => !paths.includes(path));
  expect(missing).toEqual([]);
});

test("nothing is packed that is not needed", () => {
  const paths = packed();
  const bundles = entries.flatMap(([, targets]) => Object.values(targets)).map((path) => path.slice(2));
  const shared = ["dist/cli.js", "dist/shared.js", "dist/threads.js", "dist/kernels.wasm", "dist/kernels.relaxed.wasm"];
  const pictures = ["page-code", "page-phone", "page-proof-dark"].map((name) => `docs/images/${name}.png`);
  const docs = [...["custom-layers", "formats", "layers", "serve"].map((name) => `docs/${name}.md`), ...pictures];
  const expected = new Set(["package.json", "README.md", "CHANGELOG.md", "LICENSE", ...docs, ...shared, ...bundles]);
  const types = Object.values(manifest.exports).flatMap((targets) =>
    typeof targets === "object" ? targets.types! : [],
  );
  for (const path of types) expected.add(path.slice(2));
  expect(paths.sort()).toEqual([...expected].sort());
});

test("types come in one file an entry, which imports no other", () => {
  for (const [name, targets] of entries) {
    const text = readFileSync(new URL(targets.types!, root), "utf8");
    const outside = name === "./serve/node" ? ["node:http"] : [];
    expect(Array.from(text.matchAll(/(?:from|import\() ?"([^"]+)"/g), ([, from]) => from)).toEqual(outside);
    expect(text).toMatch(/^export \{ .*\b(load|serve|listen)\b.* \};$/m);
  }
});

// JSR has no conditions: of several bundles one is chosen for all, and README says for which runtimes that is.
test("jsr.json says what package.json does", () => {
  const jsr = JSON.parse(readFileSync(new URL("jsr.json", root), "utf8"));
  const { name, version, license } = manifest;
  expect(jsr).toMatchObject({ name: `@channelwise/${name}`, version, license });
  expect(jsr.exports).toEqual(
    Object.fromEntries(entries.map(([name, targets]) => [name, targets.deno ?? targets.default])),
  );
});
