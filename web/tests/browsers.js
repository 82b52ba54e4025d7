/**
 * The browsers that the page is tested in, each with what their drivers do differently. What both drivers' pages have in common
 * (`goto`, `evaluate`, `click`, `waitForSelector`, `keyboard`) is used as it is.
 *
 * A visit has `page`; `requests`, all addresses that were asked for, those of workers too; `problems`, what the page complained of;
 * `give(selector, paths)`, which picks files; `download(action)`, which gives the path of the file that an action saves; `close()`.
 */
import { existsSync, mkdtempSync, readdirSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { chromium as playwright } from "playwright-core";
import puppeteer from "puppeteer-core";
import { chromiumFlags, chromiumPath } from "../../tests/support/chromium.js";

const installed = (...paths) => paths.find((path) => existsSync(path)) ?? paths[0];

/** What is noted of a page: the addresses that `source` asks for, and what the page complains of. */
function noted(page, source) {
  const [requests, problems] = [[], []];
  source.on("request", (request) => requests.push(request.url()));
  page.on("pageerror", (error) => problems.push(String(error)));
  page.on("console", (message) => message.type() === "error" && problems.push(message.text()));
  return { requests, problems };
}

/** Debian's Chromium, by Playwright. */
export async function openChromium() {
  const browser = await playwright.launch({ executablePath: chromiumPath, args: chromiumFlags });
  return {
    name: `Chromium ${browser.version()}`,
    close: () => browser.close(),
    /** @param options Playwright's, of a context: sizes, colour scheme, `serviceWorkers: "block"` */
    async visit(options = {}) {
      const context = await browser.newContext({ viewport: { width: 1280, height: 860 }, ...options });
      const page = await context.newPage();
      return {
        page,
        ...noted(page, context),
        give: (selector, paths) => page.setInputFiles(selector, paths),
        async download(action) {
          const [download] = await Promise.all([page.waitForEvent("download"), action()]);
          return download.path();
        },
        close: () => context.close(),
      };
    },
  };
}

/** Debian's Firefox, by Puppeteer over WebDriver BiDi. */
export async function openFirefox() {
  const executablePath = process.env.FIREFOX ?? installed("/usr/bin/firefox-esr", "/usr/bin/firefox");
  const saved = mkdtempSync(join(tmpdir(), "channelwise-page-"));
  const browser = await puppeteer.launch({
    browser: "firefox",
    executablePath,
    extraPrefsFirefox: {
      "browser.download.dir": saved,
      "browser.download.folderList": 2,
      "browser.helperApps.neverAsk.saveToDisk": "application/zip",
      "browser.download.alwaysOpenPanel": false,
      // What Firefox fetches for itself.
      "services.settings.server": "http://127.0.0.1:1/",
      "network.captive-portal-service.enabled": false,
      "network.connectivity-service.enabled": false,
    },
  });
  return {
    name: (await browser.version()).replace("/", " "),
    async close() {
      await browser.close();
      rmSync(saved, { recursive: true, force: true });
    },
    async visit() {
      const context = await browser.createBrowserContext();
      const page = await context.newPage();
      await page.setViewport({ width: 1280, height: 860 });
      return {
        page,
        ...noted(page, page),
        give: async (selector, paths) => (await page.$(selector)).uploadFile(...paths),
        async download(action) {
          const before = new Set(readdirSync(saved));
          await action();
          for (let tries = 0; tries < 100; tries++) {
            // While it is written, its place is held by an empty file, and its bytes are in one that ends in .part.
            const made = readdirSync(saved).filter((own) => !before.has(own));
            const [name] = made;
            if (made.length === 1 && statSync(join(saved, name)).size > 0) return join(saved, name);
            await wait(100);
          }
          throw new Error("nothing was saved within 10 s");
        },
        close: () => context.close(),
      };
    },
  };
}
