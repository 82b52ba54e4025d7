/**
 * run: the package in every runtime that it is made for
 *
 *     npm --prefix tests/runtimes ci
 *     node tests/runtimes/run.js [NAME...] [--write]
 *
 * Packs the package, installs the tarball in a folder of its own, and runs one suite (suite.js) on it everywhere; `npm run build` comes before.
 * With names, only the runtimes of which one is a part of the name. Prints a line for each test and each runtime's version. What can't be
 * started counts as one failed. --write puts the table of what was green in README.md; without it, what that table says has to be green.
 * The last line is `N passed, N failed`.
 */
import { parseArgs } from "node:util";
import { browsers, visit } from "./lib/browsers.js";
import { bundle, bundlers } from "./lib/bundlers.js";
import { writeData } from "./lib/data.js";
import { runEdgeLight, runWorkerd } from "./lib/edges.js";
import { install } from "./lib/install.js";
import { packageChecks } from "./lib/package.js";
import { processes, runProcess } from "./lib/processes.js";
import { serveFolder } from "./lib/server.js";
import { readTable, writeTable } from "./lib/table.js";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { write: { type: "boolean", default: false } },
});

const installed = install();
const { folder } = installed;
await writeData(folder);
const server = await serveFolder(folder);

/** @typedef {{ version: string, reports: { place: string, lines: string }[] }} Outcome */

/** A page under several policies, of which one lets it have threads. @param {import("./lib/browsers.js").Browser} browser @param {string} page @param {string[]} policies */
async function visits(browser, page, policies) {
  const reports = [];
  for (const policy of policies) {
    const threads = policy === "isolated" && browser.threads ? 2 : 1;
    const url = `${server.url}/${policy}/${page}?threads=${threads}`;
    for (const { place, lines } of await visit(browser, url, server))
      reports.push({ place: `${policy} ${place}`, lines });
  }
  return reports;
}

/** @param {keyof typeof browsers} name @param {string[]} policies */
const inBrowser = (name, policies) => async () => ({
  version: browsers[name].version(),
  reports: [
    ...(await visits(browsers[name], "hosts/page.html", policies)),
    ...(await visits(browsers[name], "hosts/refused.html", ["refusing"])),
  ],
});

/** @param {string} name */
const bundledBy = (name) => async () => ({
  version: await bundle(name, folder),
  reports: await visits(browsers.chromium, `bundled/${name}/bundled.html`, ["isolated"]),
});

/** @param {Promise<{ version: string, lines: string }>} run */
const alone = async (run) => {
  const { version, lines } = await run;
  return { version, reports: [{ place: "", lines }] };
};

/** Everything that is tried, as README's table calls it. @type {Record<string, () => Promise<Outcome>>} */
const runtimes = {
  ...Object.fromEntries(
    Object.entries(processes(server)).map(([name, command]) => [name, () => alone(runProcess(name, command, folder))]),
  ),
  Chromium: inBrowser("chromium", ["strict", "isolated", "isolated-strict"]),
  Firefox: inBrowser("firefox", ["strict", "isolated"]),
  WebKitGTK: inBrowser("webkit", ["strict", "isolated"]),
  workerd: () => alone(runWorkerd(folder, `${server.url}/plain/data/`)),
  "edge-runtime": () => alone(runEdgeLight(folder, `${server.url}/plain/data/`)),
  ...Object.fromEntries(bundlers.map((name) => [name, bundledBy(name)])),
};

let passed = 0;
let failed = 0;
/** @param {boolean} good @param {string} text */
function count(good, text) {
  if (good) passed++;
  else failed++;
  console.log(`  ${good ? "ok  " : "FAIL"} ${text}`);
}

/** @type {Map<string, string>} versions of those of which every test passed */
const green = new Map();
const chosen = (/** @type {string} */ name) =>
  positionals.length === 0 || positionals.some((part) => name.toLowerCase().includes(part.toLowerCase()));

for (const [name, run] of Object.entries(runtimes).filter(([name]) => chosen(name))) {
  const [began, before] = [performance.now(), failed];
  try {
    const { version, reports } = await run();
    console.log(`${name}: ${version}`);
    for (const { place, lines } of reports)
      for (const line of lines.trimEnd().split("\n")) {
        const [, word, text] = /^(ok|FAIL) (.*)$/.exec(line) ?? [null, "FAIL", `expected a test, got ${line}`];
        count(word === "ok", `${place === "" ? "" : `${place}: `}${text}`);
      }
    if (reports.length === 0) count(false, "ran no test");
    if (failed === before) green.set(name, version);
  } catch (error) {
    console.log(`${name}:`);
    count(false, `could not be tried: ${error instanceof Error ? error.message : error}`);
  }
  console.log(`  ${((performance.now() - began) / 1000).toFixed(1)} s`);
}

if (chosen("package")) {
  console.log("package:");
  for (const [name, check] of packageChecks(installed)) {
    const error = await check().then(
      () => null,
      (error) => error,
    );
    count(!error, error ? `${name}: ${error.message}` : name);
  }
}

if (positionals.length === 0) {
  if (values.write && failed === 0) writeTable(green);
  const missing = readTable().filter((name) => !green.has(name));
  const untold = [...green.keys()].filter((name) => !readTable().includes(name));
  count(
    missing.length === 0,
    `every runtime of README's table is green${missing.map((name) => `, not ${name}`).join("")}`,
  );
  count(
    untold.length === 0,
    `every runtime that is green is in README's table${untold.map((name) => `, not ${name}`).join("")}`,
  );
}

server.close();
console.log(`\n${passed} passed, ${failed} failed`);
process.exit(failed === 0 ? 0 : 1);
