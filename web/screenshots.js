/**
 * Pictures of the page for the README, in docs/images/: npm run web && node web/screenshots.js
 *
 * Made on a machine with the fonts Inter and JetBrains Mono (Debian: fonts-inter, fonts-jetbrains-mono), which the page names first.
 */
import { statSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { serve } from "./tests/serve.js";
import { openChromium } from "./tests/browsers.js";
import * as walk from "./tests/walk.js";

const out = fileURLToPath(new URL("../docs/images/", import.meta.url));
/** A README is looked at through a slow line, too. */
const mostBytes = 150_000;
const desktop = { viewport: { width: 1200, height: 780 } };
const phone = { viewport: { width: 390, height: 800 }, isMobile: true, hasTouch: true };

const pictures = {
  /** What a switch changes, in the chart and in the code. */
  "page-code": {
    options: desktop,
    async reach(visit) {
      await walk.openExample(visit, 2);
      await walk.choose(visit, "flatten", "fold");
      await walk.until(visit, "the change", () => document.querySelector(".line.added .token-comment") !== null);
    },
  },
  /** Where the naive way goes wrong, and by how much. */
  "page-proof-dark": {
    options: { ...desktop, colorScheme: "dark" },
    async reach(visit) {
      await walk.openExample(visit, 2);
      await walk.choose(visit, "flatten", "naive");
      await walk.prove(visit);
      await walk.until(visit, "both plots", () => document.querySelectorAll(".plot canvas").length === 2);
      await visit.page.evaluate(() => document.querySelector(".panel").scrollTo(0, 400));
    },
  },
  "page-phone": {
    options: phone,
    async reach(visit) {
      await visit.page.click(".examples li:nth-child(3) .example");
      await visit.page.waitForSelector("#tab-chart");
      await walk.tab(visit, "chart");
      await visit.page.waitForSelector(".workspace .card");
      await visit.page.evaluate(() => {
        const [card] = document.querySelectorAll(".card-turn");
        scrollTo(0, card.getBoundingClientRect().top + scrollY - 560);
        document.querySelector(".chart-scroll").scrollLeft = card.offsetLeft - 60;
      });
    },
  },
};

const server = await serve(fileURLToPath(new URL("dist", import.meta.url)));
const browser = await openChromium();
for (const [name, { options, reach }] of Object.entries(pictures)) {
  const visit = await browser.visit({ ...options, reducedMotion: "reduce", serviceWorkers: "block" });
  await walk.start(visit, server.url);
  await reach(visit);
  await visit.page.waitForTimeout(500);
  const path = `${out}${name}.png`;
  await visit.page.screenshot({ path });
  const { size } = statSync(path);
  console.log(`${path}  ${size} bytes`);
  if (size > mostBytes) process.exitCode = 1;
  await visit.close();
}
await browser.close();
await server.close();
