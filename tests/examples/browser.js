/**
 * browser: the page of examples/browser in Chromium, as a stranger has it
 */
import { deepStrictEqual as same, ok } from "node:assert/strict";
import { load } from "../../dist/index.node.js";
import { openBrowser, openPage, serveFolder } from "./chromium.js";
import { motion } from "./client.js";
import { caseFile, check } from "./support.js";

/** @param {string} copy a stranger's copy */
export async function checkBrowser(copy) {
  const site = await serveFolder(copy);
  const browser = await openBrowser();
  try {
    const { page, errors } = await openPage(browser, new URL("browser/", site.url));
    const shown = async () => {
      const texts = await page.locator("meter").evaluateAll((meters) => meters.map(({ dataset }) => dataset.score));
      return texts.map(Number);
    };
    const near = (scores, model, waves) => {
      const size = model.inputs[0].shape.slice(1).reduce((all, axis) => all * axis, 1);
      const signal = Float32Array.from({ length: size }, (_, at) => Math.sin((2 * Math.PI * waves * at) / size));
      const { data } = model.predict(signal);
      same(scores.length, data.length);
      for (const [index, score] of scores.entries())
        ok(Math.abs(score - data[index]) < 1e-6, `${scores} is not ${data}`);
    };

    await check(`browser, Chromium ${browser.version()}: a model from a URL`, async () => {
      await page.locator("meter").first().waitFor();
      ok((await page.locator("#about").textContent()).includes("NLC = (any, 20, 3)"));
      near(await shown(), motion, 3);
    });
    await check("browser: another signal", async () => {
      await page.locator("#waves").fill("11");
      near(await shown(), motion, 11);
    });
    await check("browser: a .keras from a file", async () => {
      await page.locator("#file").setInputFiles(caseFile("keyword-spotting-cnn"));
      await page.getByText("NLC = (any, 25, 6)").waitFor();
      near(await shown(), await load(caseFile("keyword-spotting-cnn")), 11);
    });
    await check("browser: a file that is no model", async () => {
      await page.locator("#file").setInputFiles({ name: "x.keras", mimeType: "", buffer: Buffer.from("no model") });
      await page.getByText("unknown-format").waitFor();
    });
    await check("browser: no errors on the page", () => same(errors, []));
  } finally {
    await browser.close();
    site.stop();
  }
}
