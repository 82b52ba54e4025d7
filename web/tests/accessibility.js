/** Every state of the page, light and dark, on a desktop and on a phone: axe-core finds nothing, and nothing is wider than the screen. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import * as walk from "./walk.js";

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

const screens = {
  desktop: { viewport: { width: 1280, height: 860 } },
  phone: { viewport: { width: 360, height: 740 }, isMobile: true, hasTouch: true },
};

/** How each state is reached from the one before. */
const states = [
  ["the start", async () => {}],
  [
    "a refusal",
    async (visit, broken) => {
      await walk.drop(visit, [broken]);
      await visit.page.waitForSelector(".refusal");
    },
  ],
  [
    "the code",
    async (visit) => {
      await visit.page.click(".examples li:nth-child(2) .example");
      await visit.page.waitForSelector(".workspace .card", { state: "attached" });
      await walk.tab(visit, "code");
      await walk.choose(visit, "io", "keras");
      await walk.until(visit, "a change", () => document.querySelector(".line.added .token-string") !== null);
      await walk.saveCode(visit);
      await visit.page.waitForSelector("#written");
    },
  ],
  [
    "the proof",
    async (visit) => {
      await walk.prove(visit);
      await visit.page.evaluate(() => {
        document.querySelector(".panel details").open = true;
      });
    },
  ],
  [
    "a drawn input",
    async (visit) => {
      await walk.tab(visit, "run");
      await walk.choose(visit, "way", "draw");
      await visit.page.waitForSelector(".measured");
      await walk.outputNumbers(visit);
    },
  ],
  ["a pasted input", (visit) => walk.choose(visit, "way", "file")],
  [
    "a layer",
    async (visit) => {
      await walk.tab(visit, "layer");
      await visit.page.waitForSelector(".weight-pair");
    },
  ],
  [
    "the naive chart",
    async (visit) => {
      if (await visit.page.$("#tab-chart")) await walk.tab(visit, "chart");
      await walk.choose(visit, "flatten", "naive");
      await visit.page.waitForSelector(".card.wrong");
    },
  ],
];

export async function accessibility(browser, server, check, broken) {
  for (const [screen, size] of Object.entries(screens))
    for (const colorScheme of ["light", "dark"])
      await check(`axe-core finds nothing: ${screen}, ${colorScheme}`, async () => {
        const visit = await browser.visit({ ...size, colorScheme, bypassCSP: true });
        try {
          await walk.start(visit, server.url);
          const found = [];
          for (const [name, reach] of states) {
            await reach(visit, broken);
            found.push(...(await violations(visit, name)));
            const [wide, screenWide] = await visit.page.evaluate(() => [
              document.documentElement.scrollWidth,
              innerWidth,
            ]);
            if (wide > screenWide) found.push(`${name}: ${wide} pixels wide on a screen of ${screenWide}`);
          }
          assert.deepEqual(found, []);
        } finally {
          await visit.close();
        }
      });
}

async function violations({ page }, state) {
  await page.evaluate(axe);
  const result = await page.evaluate(() => window.axe.run(document, { resultTypes: ["violations"] }));
  return result.violations.flatMap(({ id, nodes }) =>
    nodes.map(({ html, failureSummary }) => `${state}: ${id}: ${html.slice(0, 160)} ${failureSummary}`),
  );
}
