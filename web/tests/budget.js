/** What the first visit costs: bytes sent, nothing that jumps; how long until the page can be used is printed. */
import assert from "node:assert/strict";
import { serve } from "./serve.js";
import * as walk from "./walk.js";

/** Bytes of bodies as sent, gzipped. */
const most = { firstPaint: 20_000, withPackage: 250_000, withExample: 265_000 };

export async function budget(browser, dist, check) {
  await check("the first load is small, and quickly of use", async () => {
    const server = await serve(dist, { path: "/p/" });
    const visit = await browser.visit({ serviceWorkers: "block" });
    try {
      await walk.start(visit, server.url);
      const ready = await visit.page.evaluate(() => performance.getEntriesByName("of use")[0].startTime);
      const paint = await visit.page.evaluate(
        () => performance.getEntriesByName("first-contentful-paint")[0]?.startTime ?? Number.POSITIVE_INFINITY,
      );
      await walk.until(visit, "the worker is there", () =>
        performance
          .getEntriesByType("resource")
          .some(({ name, responseEnd }) => /worker-/.test(name) && responseEnd > 0),
      );
      const sum = (entries) => entries.reduce((all, { bytes }) => all + bytes, 0);
      const shell = sum(server.sent.filter(({ path }) => !/(worker|workspace)-/.test(path)));
      const all = sum(server.sent);
      const before = await visit.page.evaluate(() => performance.now());
      await walk.openExample(visit, 1);
      const opened = (await visit.page.evaluate(() => performance.now())) - before;
      // The code's colours are fetched when it is shown.
      await walk.until(visit, "the colours", () => document.querySelector(".code .token-keyword") !== null);
      await visit.page.waitForLoadState("networkidle");
      const withExample = sum(server.sent);
      console.log(
        `      sent until the page is painted ${shell} bytes, with the package ${all}, with an example open ${withExample}; ` +
          `first paint ${Math.round(paint)} ms, of use ${Math.round(ready)} ms, an example opened in ${Math.round(opened)} ms`,
      );
      assert.ok(shell <= most.firstPaint, `${shell} bytes until the page is painted`);
      assert.ok(all <= most.withPackage, `${all} bytes with the package`);
      assert.ok(withExample <= most.withExample, `${withExample} bytes with an example open`);
    } finally {
      await visit.close();
      await server.close();
    }
  });

  await check("nothing jumps", async () => {
    const server = await serve(dist);
    const visit = await browser.visit({ serviceWorkers: "block" });
    try {
      await visit.page.addInitScript(() => {
        window.shifts = [];
        new PerformanceObserver((list) => {
          // What follows at once on what the visitor did is expected.
          for (const entry of list.getEntries()) if (!entry.hadRecentInput) window.shifts.push(entry.value);
        }).observe({ type: "layout-shift", buffered: true });
      });
      await walk.start(visit, server.url);
      await walk.openExample(visit, 2);
      await walk.prove(visit);
      await walk.tab(visit, "run");
      await visit.page.waitForTimeout(600);
      const shift = await visit.page.evaluate(() => window.shifts.reduce((sum, value) => sum + value, 0));
      console.log(`      layout shift ${shift.toFixed(4)}`);
      assert.ok(shift < 0.05, `layout shift ${shift}`);
    } finally {
      await visit.close();
      await server.close();
    }
  });
}
