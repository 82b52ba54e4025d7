/**
 * The compiler refuses a conversion's classic mistakes, in words that name both layouts. types.ts holds what it accepts.
 */
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

const root = fileURLToPath(new URL("../", import.meta.url));

/** Programs by name; each sees the public interface and these tensors. */
const header = `import { conv1d, dense, gemm, type Tensor, transpose } from ${JSON.stringify(join(root, "src/index.ts"))};
declare function some<const L extends string>(layout: L): Tensor<L>;
`;

const refused: readonly (readonly [name: string, statement: string, ...words: string[]])[] = [
  ["a value flattened by PyTorch meets a kernel of Keras", 'dense(some("N(CL)"), some("(LC)O"));', "(LC)O", "(CL)O"],
  [
    "a value flattened by Keras meets a kernel in PyTorch's order",
    'dense(some("N(LC)"), some("(CL)O"));',
    "(CL)O",
    "(LC)O",
  ],
  ["a series with its channels first", 'conv1d(some("NCL"), some("KIO"));', "NCL", "NLC"],
  ["a convolution's kernel as PyTorch holds it", 'conv1d(some("NLC"), some("OIK"));', "OIK", "KIO"],
  ["a matrix as PyTorch's Linear holds it", 'gemm(some("NI"), some("OI"));', "OI", "IO"],
  ["an axis that is not there", 'transpose(some("NLC"), "NCK");', "NCK"],
  ["an axis too few", 'transpose(some("NLC"), "NC");', "NC"],
];

const accepted: readonly string[] = [
  'dense(some("N(LC)"), some("(LC)O"));',
  'dense(some("N(CL)"), some("(CL)O"));',
  'conv1d(transpose(some("NCL"), "NLC"), transpose(some("OIK"), "KIO"));',
  'gemm(some("NI"), some("IO"));',
];

let folder: string;
let messages: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "layouts-"));
  const write = (name: string, statement: string) => writeFileSync(join(folder, name), header + statement);
  for (const [index, [, statement]] of refused.entries()) write(`refused${index}.ts`, statement);
  for (const [index, statement] of accepted.entries()) write(`accepted${index}.ts`, statement);
  const config = {
    extends: join(root, "tsconfig.json"),
    include: ["*.ts"],
    compilerOptions: {
      rewriteRelativeImportExtensions: false,
      allowImportingTsExtensions: true,
      noUnusedLocals: false,
      typeRoots: [join(root, "node_modules/@types")],
    },
  };
  writeFileSync(join(folder, "tsconfig.json"), JSON.stringify(config));
  writeFileSync(join(folder, "package.json"), '{ "type": "module" }');
  const compiler = fileURLToPath(new URL("../node_modules/typescript/bin/tsc", import.meta.url));
  const run = spawnSync(process.execPath, [compiler, "-p", folder, "--pretty", "false"], {
    encoding: "utf8",
    cwd: folder,
  });
  messages = run.stdout + run.stderr;
});

afterAll(() => rmSync(folder, { recursive: true }));

/** What the compiler says of one file: the lines from its name to the next file's. */
function messageOf(file: string): string {
  const lines = messages.split("\n");
  const start = lines.findIndex((line) => line.startsWith(`${file}(`));
  if (start < 0) return "";
  const length = lines.slice(start + 1).findIndex((line) => /^\S/.test(line));
  return lines.slice(start, length < 0 ? undefined : start + 1 + length).join("\n");
}

describe("refused by the compiler", () => {
  test.each(refused.map(([name, statement, ...words], index) => ({ name, statement, words, index })))(
    "$name",
    ({ words, index }) => {
      const message = messageOf(`refused${index}.ts`);
      expect(message).toMatch(/error TS(2345|2769)/);
      for (const word of words) expect(message).toContain(`"${word}"`);
    },
  );
});

describe("accepted by the compiler", () => {
  test.each(accepted.map((statement, index) => ({ statement, index })))("$statement", ({ index }) => {
    expect(messages.length).toBeGreaterThan(0);
    expect(messageOf(`accepted${index}.ts`)).toBe("");
  });
});
