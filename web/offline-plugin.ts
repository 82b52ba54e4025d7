/**
 * Writes the service worker: sw.js behind the list of the page's files and a version made of their contents.
 *
 * What is never asked for on this page (the package's threads) is not kept.
 */
import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import type { Plugin } from "vite";

const unused = /threads-[\w-]+\.js$/;

export function offline(): Plugin {
  return {
    name: "offline",
    apply: "build",
    enforce: "post",
    generateBundle: {
      order: "post",
      handler(_, bundle) {
        const built = Object.values(bundle).map((file) => ({
          path: file.fileName,
          content: file.type === "chunk" ? file.code : file.source,
        }));
        const folder = new URL("public/", import.meta.url);
        const fixed = readdirSync(folder).map((path) => ({ path, content: readFileSync(new URL(path, folder)) }));
        const files = [...built, ...fixed]
          .filter(({ path }) => !unused.test(path))
          .sort((a, b) => (a.path < b.path ? -1 : 1));
        const code = readFileSync(new URL("sw.js", import.meta.url), "utf8");
        const hash = createHash("sha256").update(code);
        for (const { path, content } of files) hash.update(path).update(content);
        const version = hash.digest("hex").slice(0, 16);
        // The page itself is asked for by its folder.
        const paths = files.map(({ path }) => (path === "index.html" ? "./" : `./${path}`));
        const source = `const version = ${JSON.stringify(version)};\nconst files = ${JSON.stringify(paths)};\n${code}`;
        this.emitFile({ type: "asset", fileName: "sw.js", source });
      },
    },
  };
}
