/** Ways through the page that its tests share: opening models, proving, saving, running, each waiting for what a visitor would see. */
import { readFileSync } from "node:fs";
import { basename } from "node:path";
import { setTimeout as wait } from "node:timers/promises";

/** Opens the page, and waits until it can be used. */
export async function start({ page }, url) {
  await page.goto(url);
  await page.waitForSelector(".example:not(:disabled)");
}

/** Opens one of the examples. */
export async function openExample({ page }, index) {
  await page.click(`.examples li:nth-child(${index}) .example`);
  await page.waitForSelector(".workspace .card");
}

/** Drops files on the page, or on a part of it, as a visitor does out of a folder. */
export async function drop({ page }, paths, target = "main") {
  const files = paths.map((path) => ({ name: basename(path), base64: readFileSync(path).toString("base64") }));
  await page.evaluate(
    ([given, place]) => {
      const dataTransfer = new DataTransfer();
      for (const { name, base64 } of given) {
        const bytes = Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
        dataTransfer.items.add(new File([bytes], name));
      }
      for (const type of ["dragover", "drop"])
        document
          .querySelector(place)
          .dispatchEvent(new DragEvent(type, { bubbles: true, cancelable: true, dataTransfer }));
    },
    [files, target],
  );
}

/** Drops what lies on the disk, folders too, as the browser itself takes it from the desktop (Chromium alone). */
export async function dropPaths({ page }, paths) {
  const session = await page.context().newCDPSession(page);
  const data = { items: [], files: paths, dragOperationsMask: 1 };
  for (const type of ["dragEnter", "dragOver", "drop"])
    await session.send("Input.dispatchDragEvent", { type, x: 300, y: 300, data });
  await session.detach();
}

/** Drops a model and waits for it. */
export async function dropModel(visit, paths) {
  await drop(visit, paths);
  await visit.page.waitForSelector(".workspace .card");
}

/** Goes back to the page's start. */
export async function leave({ page }) {
  await page.click(".bar button");
  await page.waitForSelector(".example:not(:disabled)");
}

export async function tab({ page }, name) {
  await page.click(`#tab-${name}`);
  await page.waitForSelector(`#tab-${name}[aria-selected="true"]`);
}

/** Chooses one of a few. */
export async function choose({ page }, name, value) {
  await page.evaluate(
    ([own, chosen]) => document.querySelector(`input[name="${own}"][value="${chosen}"]`).click(),
    [name, value],
  );
}

/** Waits until something holds in the page; fails after 15 s, with what was waited for. */
export async function until({ page }, what, holds, argument) {
  for (const end = Date.now() + 15_000; Date.now() < end; await wait(50))
    if (await page.evaluate(holds, argument)) return;
  throw new Error(`${what}: not within 15 s`);
}

/** Runs the proof; gives what the page says of it. */
export async function prove(visit) {
  await tab(visit, "proof");
  await visit.page.click("#prove");
  await visit.page.waitForSelector("#verdict");
  return text(visit, "#verdict");
}

/** Saves the code; gives the path of the zip. */
export async function saveCode(visit) {
  await tab(visit, "code");
  return visit.download(() => visit.page.click("#download"));
}

export function text({ page }, selector) {
  return page.evaluate((own) => document.querySelector(own)?.textContent ?? null, selector);
}

/** The numbers that the page shows as the first output, in its table. */
export async function outputNumbers({ page }) {
  await page.evaluate(() => {
    const output = [...document.querySelectorAll("details.array")].find((own) => own.textContent.startsWith("out:"));
    output.open = true;
    output.querySelector('input[value="table"]').click();
  });
  await page.waitForSelector("details.array table.numbers td");
  return page.evaluate(() => {
    const output = [...document.querySelectorAll("details.array")].find((own) => own.textContent.startsWith("out:"));
    return [...output.querySelectorAll("td")].map((cell) => Number(cell.textContent));
  });
}
