/**
 * The files of dist/, by what stands in their syntax trees: for tests that hold what is delivered, and not what it was made of.
 */
import { readdirSync, readFileSync } from "node:fs";
import { parseAst } from "rollup/parseAst";

/** The package's folder, and what `npm run build` makes in it. */
export const root = new URL("../../", import.meta.url);
export const dist = new URL("dist/", root);

/** The scripts of dist/. */
export const scripts: readonly string[] = readdirSync(dist)
  .filter((name) => name.endsWith(".js"))
  .sort();

/** A target of an entry of `exports`, by condition, `types` among them. */
export type Targets = Readonly<Record<string, string>>;

/** package.json, as far as tests read it. */
export interface Manifest {
  readonly name: string;
  readonly version: string;
  readonly license: string;
  readonly bin: Readonly<Record<string, string>>;
  readonly exports: Readonly<Record<string, string | Targets>>;
}

export const manifest: Manifest = JSON.parse(readFileSync(new URL("package.json", root), "utf8"));

/** The entries that are scripts, by the name that they have in `exports`. */
export const entries: readonly (readonly [name: string, targets: Targets])[] = Object.entries(manifest.exports).flatMap(
  ([name, targets]) =>
    typeof targets === "object" && targets.default?.endsWith(".js") ? [[name, targets] as const] : [],
);

interface Node {
  readonly type: string;
  readonly [key: string]: unknown;
}

/** What a script imports, and what of its syntax tests ask for. */
export interface Script {
  readonly imports: readonly string[];
  /** Imported when it comes to it; null for a place that is computed. */
  readonly dynamicImports: readonly (string | null)[];
  readonly awaitsAtTop: boolean;
  /** Names called as functions or constructors that are no properties: `eval`, `Function`. */
  readonly called: ReadonlySet<string>;
}

const isNode = (value: unknown): value is Node => typeof value === "object" && value !== null && "type" in value;

const read = new Map<string, Script>();

/** A script of dist/. */
export function readScript(name: string): Script {
  if (!read.has(name)) read.set(name, parse(readFileSync(new URL(name, dist), "utf8")));
  return read.get(name)!;
}

function parse(text: string): Script {
  const imports: string[] = [];
  const dynamicImports: (string | null)[] = [];
  const called = new Set<string>();
  let awaitsAtTop = false;
  const textOf = (node: unknown) => (isNode(node) && typeof node.value === "string" ? node.value : null);

  function visit(node: Node, inFunction: boolean): void {
    if (isNode(node.source) && node.type !== "ImportExpression") imports.push(textOf(node.source)!);
    if (node.type === "ImportExpression") dynamicImports.push(textOf(node.source));
    if (node.type === "AwaitExpression" || (node.type === "ForOfStatement" && node.await)) awaitsAtTop ||= !inFunction;
    if ((node.type === "CallExpression" || node.type === "NewExpression") && isNode(node.callee)) {
      if (node.callee.type === "Identifier") called.add(String(node.callee.name));
    }
    const inside = inFunction || /Function/.test(node.type);
    for (const child of Object.values(node).flat()) if (isNode(child)) visit(child, inside);
  }

  visit(parseAst(text) as unknown as Node, false);
  return { imports: [...new Set(imports)], dynamicImports: [...new Set(dynamicImports)], awaitsAtTop, called };
}
