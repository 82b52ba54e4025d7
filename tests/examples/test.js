/**
 * test: the examples, each in what it is for
 *
 *     npm ci && node test.js [example...]        all of them without a name; after `npm run build` in the repository's root
 *
 * Prints a line per check, and `N passed, N failed` at the end.
 */
import { checkBatch } from "./batch.js";
import { checkBrowser } from "./browser.js";
import { checkDeno } from "./deno.js";
import { checkEdge } from "./edge.js";
import { checkNode } from "./node.js";
import { checkWorklet } from "./worklet.js";
import { check, finish, strangersCopy } from "./support.js";

const examples = {
  node: checkNode,
  deno: checkDeno,
  edge: checkEdge,
  batch: checkBatch,
  browser: checkBrowser,
  worklet: checkWorklet,
};

const chosen = process.argv.length > 2 ? process.argv.slice(2) : Object.keys(examples);
const copy = strangersCopy();
try {
  for (const name of chosen)
    await examples[name](copy.folder).catch((error) => check(name, () => Promise.reject(error)));
} finally {
  copy.remove();
}
finish();
