/**
 * Makes of dist/types/ one file for each entry of package.json. The compiler writes one for every file of src/, which import each other by
 * `.ts`: those names are not there for whoever takes types by their address (Deno, JSR).
 *
 * An entry's file holds what it exports and the declarations that these mention, out of whichever file, and no others. It has one scope, so
 * that two of them can't have the same name; that is checked.
 *
 * By patterns, over what one compiler prints and nothing else: rollup-plugin-dts does it on syntax trees, and takes a second TypeScript (6) for
 * them, as that of version 7 has no interface to its own. What the patterns do not understand ends the build: an import or export of another
 * form, an export that nothing declares, two declarations of a name. A declaration that they would miss leaves a name undeclared, and
 * tests/runtimes/run.js compiles a program against the packed types with `skipLibCheck` off, as JSR's check does.
 */
import { readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";

const root = new URL("../", import.meta.url);
const folder = new URL("dist/types/", root);
const { exports } = JSON.parse(readFileSync(new URL("package.json", root), "utf8"));

const fromStatement = /^(import|export)\b[^;"]*?\bfrom "(.+?)";\n/gm;
const inlineImport = /import\("(\.[^"]+)\.ts"\)\.(\w+)/g;
/** A declaration at the top of a file, with its comment, up to the next statement. */
const declaration =
  /^(?:\/\*\*(?:(?!\*\/)[\s\S])*\*\/\n)?(export )?(?:declare )?(?:abstract )?(class|interface|type|const|function) (\w+)[\s\S]*?(?=^(?:\/\*\*|[a-z])|(?![\s\S]))/gm;

/**
 * @typedef {object} File
 * @property {Map<string, string>} declarations  texts by name, all overloads together
 * @property {Set<string>} exported              names that it declares and exports
 * @property {Map<string, URL>} imports          files by the names that are imported from them
 * @property {Map<string, URL>} again            the same of names that are exported on
 * @property {string[]} outside                  imports of modules that are no files of dist/types/
 */

/** @type {Map<string, File>} */
const read = new Map();

/** @param {URL} url @returns {File} */
function readFile(url) {
  const known = read.get(url.href);
  if (known) return known;
  /** @type {File} */
  const file = { declarations: new Map(), exported: new Set(), imports: new Map(), again: new Map(), outside: [] };
  read.set(url.href, file);
  const text = readFileSync(url, "utf8").replace(inlineImport, (_, path, name) => {
    file.imports.set(name, new URL(`${path}.d.ts`, url));
    return name;
  });
  for (const [statement, kind, path] of text.matchAll(fromStatement)) {
    if (!path.startsWith(".")) {
      file.outside.push(statement);
      continue;
    }
    for (const name of namesIn(statement))
      (kind === "import" ? file.imports : file.again).set(name, new URL(path.replace(/\.ts$/, ".d.ts"), url));
  }
  for (const [whole, exported, , name] of text.replace(fromStatement, "").matchAll(declaration)) {
    const own = whole.replace(/^export (?=declare|interface|type|abstract|class|function|const)/m, "").trim();
    file.declarations.set(name, [file.declarations.get(name), own].filter(Boolean).join("\n"));
    if (exported) file.exported.add(name);
  }
  return file;
}

/** The names between the braces of an import or export. @param {string} statement */
function namesIn(statement) {
  const [, list] = /\{([^}]*)\}/.exec(statement) ?? [];
  if (list === undefined || /\bas\b/.test(list)) throw new Error(`not understood: ${statement}`);
  return list.split(",").flatMap((name) => name.replace(/^\s*type\s/, "").trim() || []);
}

/** @param {URL} entry @returns {string} */
function join(entry) {
  /** @type {Map<string, { url: URL, text: string }>} */
  const found = new Map();
  /** @type {Set<string>} */
  const outside = new Set();

  /** Adds what a name means in a file, and all that it mentions. @param {string} name @param {URL} url */
  function add(name, url) {
    const file = readFile(url);
    const text = file.declarations.get(name);
    if (text === undefined) {
      const from = file.imports.get(name) ?? file.again.get(name);
      if (from) add(name, from);
      return;
    }
    const before = found.get(name);
    if (before?.url.href === url.href) return;
    if (before) throw new Error(`${entry}: ${name} is declared in ${before.url} and in ${url}`);
    found.set(name, { url, text });
    const code = text.replace(/\/\*[\s\S]*?\*\//g, "");
    for (const statement of file.outside) {
      const [, local] = /(\w+) from/.exec(statement) ?? [];
      if (local && new RegExp(`\\b${local}\\.`).test(code)) outside.add(statement);
    }
    for (const mentioned of new Set(code.match(/\b[A-Za-z_]\w*\b/g))) if (mentioned !== name) add(mentioned, url);
  }

  const { exported, again } = readFile(entry);
  const names = [...exported, ...again.keys()].toSorted();
  for (const name of names) add(name, entry);
  const missing = names.filter((name) => !found.has(name));
  if (missing.length > 0) throw new Error(`${entry}: nothing declares ${missing.join(", ")}`);
  const [head = ""] = /^\/\*\*[\s\S]*?\*\/\n/.exec(readFileSync(entry, "utf8")) ?? [];
  const texts = Array.from(found.values(), ({ text }) =>
    text.replace(/^(class|function|const|abstract)/m, "declare $1"),
  );
  return `${head}${[...outside].join("")}\n${texts.join("\n\n")}\n\nexport { ${names.join(", ")} };\n`;
}

const targets = new Set(Object.values(exports).flatMap(({ types }) => types ?? []));
const texts = Array.from(targets, (types) => {
  const url = new URL(types, root);
  return /** @type {const} */ ([url, types.endsWith(".wasm.d.ts") ? readFileSync(url, "utf8") : join(url)]);
});
for (const name of readdirSync(folder)) rmSync(new URL(name, folder), { recursive: true });
for (const [url, text] of texts) writeFileSync(url, text);
