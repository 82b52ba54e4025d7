/**
 * worklet: the page of examples/worklet in Chromium, on a tone and on Chromium's fake microphone, as a stranger has it
 *
 * Every answer of the audio thread is compared, to the bit, with a prediction in the page on the same frames.
 */
import { deepStrictEqual as same, ok } from "node:assert/strict";
import { openBrowser, openPage, serveFolder } from "./chromium.js";
import { check } from "./support.js";

/** @param {string} copy a stranger's copy */
export async function checkWorklet(copy) {
  const site = await serveFolder(copy);
  const browser = await openBrowser();
  try {
    const { page, errors } = await openPage(browser, new URL("worklet/", site.url));

    /** Presses a button, and collects what follows. @param {string} button @param {number} count */
    const collect = async (button, count) => {
      await page.evaluate((most) => {
        window.answers = new Promise((resolve) => {
          const found = [];
          addEventListener("answer", function note({ detail }) {
            found.push(detail);
            if (found.length < most) return;
            removeEventListener("answer", note);
            resolve(found);
          });
        });
      }, count);
      await page.locator(button).click();
      const answers = await page.evaluate(async () => {
        const late = new Promise((_, reject) => setTimeout(() => reject(new Error(document.body.textContent)), 20_000));
        const found = await Promise.race([window.answers, late]);
        return found.map(({ samples, scores }) => ({ samples: Array.from(samples), scores: Array.from(scores) }));
      });
      await page.locator("#stop").click();
      return answers;
    };

    /** What a plain prediction says of the same frames. */
    const plain = (answers) =>
      page.evaluate(
        async ([frames, run]) => {
          const { load } = await import(run);
          const { mfcc } = await import("./features.js");
          const model = await load("keywords.safetensors");
          const features = new Float32Array(25 * 6);
          return frames.map((frame) => {
            features.copyWithin(0, 6);
            features.set(mfcc(Float32Array.from(frame)), features.length - 6);
            return Array.from(model.predict(features).data);
          });
        },
        [answers.map(({ samples }) => samples), new URL("node_modules/channelwise/dist/run.js", site.url).href],
      );

    const sameScores = async (answers) => {
      same(
        answers.map(({ scores }) => scores),
        await plain(answers),
      );
      const different = new Set(answers.map(({ scores }) => scores.join()));
      ok(different.size > 10, `only ${different.size} different answers`);
    };

    await check(`worklet, Chromium ${browser.version()}: a tone, every sample of it, answered to the bit`, async () => {
      const answers = await collect("#tone", 40);
      const heard = answers.flatMap(({ samples }) => samples);
      const begin = heard.findIndex((sample) => sample !== 0) - 1; // the tone's first sample is 0
      const tone = heard.slice(begin).map((_, at) => {
        const seconds = at / 16_000;
        return Math.fround(0.5 * Math.sin(2 * Math.PI * (200 + 700 * seconds) * seconds));
      });
      same(heard.slice(begin), tone);
      ok(begin < 16_000, `silence for ${begin} samples`);
      await sameScores(answers);
    });
    await check("worklet: the microphone, answered to the bit", async () => {
      const answers = await collect("#microphone", 50);
      ok(
        answers.some(({ samples }) => samples.some((sample) => Math.abs(sample) > 0.01)),
        "silence",
      );
      await sameScores(answers);
    });
    await check("worklet: no errors on the page", () => same(errors, []));
  } finally {
    await browser.close();
    site.stop();
  }
}
