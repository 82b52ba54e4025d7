/**
 * The page, built, in real browsers: npm run web && node web/tests/run.js [PYTHON] [ONLY]
 *
 * PYTHON has torch, numpy and safetensors: it runs the code that is saved. ONLY is a pattern of checks. The last line is `N passed, N failed`.
 */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { load, convert, readInputs } from "channelwise";
import { unzipSync } from "fflate";
import { accessibility } from "./accessibility.js";
import { openChromium, openFirefox } from "./browsers.js";
import { budget } from "./budget.js";
import { writeLargeModel } from "./large.js";
import { serve } from "./serve.js";
import * as walk from "./walk.js";

/** A command, or a path from here: it is run in other folders. */
const command = process.argv[2] ?? process.env.PYTHON ?? "python3";
const python = command.includes("/") ? resolve(command) : command;
const only = process.argv[3] === undefined ? null : new RegExp(process.argv[3]);
const fixture = (path) => fileURLToPath(new URL(`../../tests/fixtures/${path}`, import.meta.url));
const dist = fileURLToPath(new URL("../dist", import.meta.url));
const scratch = mkdtempSync(join(tmpdir(), "channelwise-page-"));
let passed = 0;
let failed = 0;

async function check(name, work) {
  if (only && !only.test(name)) return;
  try {
    await work();
    passed++;
    console.log(`ok    ${name}`);
  } catch (error) {
    report(name, error);
  }
}

function report(name, error) {
  failed++;
  console.log(`FAIL  ${name}\n      ${String(error.stack ?? error).replaceAll("\n", "\n      ")}`);
}

/** Unpacks what was saved and has PyTorch compare it. */
function runSaved(zip) {
  const files = unzipSync(readFileSync(zip));
  const folder = mkdtempSync(join(scratch, "saved-"));
  for (const [path, bytes] of Object.entries(files)) writeFileSync(join(folder, path.split("/").pop()), bytes);
  const said = execFileSync(python, [join(folder, "model.py")], { encoding: "utf8", cwd: folder });
  assert.match(said, /: agrees, largest difference/);
  assert.doesNotMatch(said, /differs/i);
  return { files: Object.keys(files).map((path) => path.split("/").pop()), said };
}

/** Opens a page, does something in it, and holds it to what every page has to keep. */
async function visiting(browser, server, work, options) {
  const visit = await browser.visit(options);
  try {
    await walk.start(visit, server.url);
    await work(visit);
    const elsewhere = visit.requests.filter((url) => !url.startsWith(server.url) && !/^(blob|data):/.test(url));
    assert.deepEqual(elsewhere, [], "requests that leave the page's own folder");
    assert.deepEqual(visit.problems, [], "what the page complained of");
  } finally {
    await visit.close();
  }
}

/** Files that are no models, or try to be too much. */
function hostileFiles() {
  const model = readFileSync(fixture("keras/seed-experiment/model.keras"));
  const half = join(scratch, "half.keras");
  writeFileSync(half, model.subarray(0, model.length / 2));
  const changed = join(scratch, "changed.keras");
  const bytes = Buffer.from(model);
  for (let at = 2000; at < bytes.length; at += 97) bytes[at] ^= 0xff;
  writeFileSync(changed, bytes);
  const lying = join(scratch, "lying.safetensors");
  const head = Buffer.alloc(16, 0x7b);
  head.writeBigUInt64LE(2n ** 52n);
  writeFileSync(lying, head);
  const markup = join(scratch, "<img src=x onerror=alert(1)>.keras");
  writeFileSync(markup, "<script>alert(1)</script>");
  const layer = fixture("wild/dna-mmsplice-exon-lambda/Exon.h5");
  return [half, changed, lying, markup, layer];
}

/** A model of several files. */
async function filesOf(options) {
  const model = await load(fixture("keras/activity-recognition-cnn/model.keras"));
  const folder = mkdtempSync(join(scratch, "files-"));
  const paths = [];
  for (const [name, bytes] of await convert(model, options)) {
    paths.push(join(folder, name));
    writeFileSync(paths.at(-1), bytes);
  }
  model.dispose();
  return paths;
}

/** What the package gives in Node for a fixture's input. */
async function expectedOutput(file, inputs) {
  const model = await load(file);
  const output = model.predictAll(await readInputs(model, inputs))[0];
  model.dispose();
  return [...output.data.subarray(0, output.data.length / output.shape[0])];
}

const near = (got, want) => {
  assert.equal(got.length, want.length);
  for (const [index, value] of want.entries())
    assert.ok(Math.abs(got[index] - value) <= 1e-5 * Math.max(1, Math.abs(value)), `${got} is not ${want}`);
};

/** What both browsers do. */
async function common(browser, server) {
  const name = browser.name;
  for (const [index, example] of ["the experiment", "motion", "ECG"].entries()) {
    await check(`${name}: ${example}: opened, proven, saved, run in PyTorch`, () =>
      visiting(browser, server, async (visit) => {
        await walk.openExample(visit, index + 1);
        assert.match(await walk.prove(visit), /^All \d+ layers agree/);
        const { files } = runSaved(await walk.saveCode(visit));
        assert.deepEqual(files, ["model.py", "model.safetensors", "check.npz"]);
      }),
    );
  }
  await check(`${name}: a model by other people, dropped, proven, saved with every switch, run in PyTorch`, () =>
    visiting(browser, server, async (visit) => {
      await walk.dropModel(visit, [fixture("wild/dna-mmsplice-intron3/Intron3.h5")]);
      assert.match(await walk.prove(visit), /^All 4 layers agree/);
      await walk.tab(visit, "code");
      await walk.choose(visit, "io", "keras");
      await walk.choose(visit, "weights", "pt");
      await walk.until(visit, "the code for .pt", () =>
        document.querySelector(".code").textContent.includes("model.pt"),
      );
      assert.match(await walk.text(visit, ".changes"), /\+\d+ −\d+/);
      const { files } = runSaved(await walk.saveCode(visit));
      assert.deepEqual(files, ["model.py", "model.pt", "check.npz"]);
    }),
  );
  await check(`${name}: folded, in PyTorch`, () =>
    visiting(browser, server, async (visit) => {
      await walk.openExample(visit, 2);
      await walk.choose(visit, "code-flatten", "fold");
      await walk.until(visit, "the folded code", () =>
        document.querySelector(".code .added")?.textContent.includes("N(CL)"),
      );
      runSaved(await walk.saveCode(visit));
    }),
  );
  await check(`${name}: hostile files are refused in words, and the page goes on`, () =>
    visiting(browser, server, async (visit) => {
      for (const path of hostileFiles()) {
        await walk.drop(visit, [path]);
        await visit.page.waitForSelector(".refusal");
        const said = await walk.text(visit, ".refusal");
        assert.match(said, /(corrupt-file|unknown-format|unsupported-\w+)/, path);
        assert.match(said, /what to do/, path);
        // What was said of one file is gone when the next is given.
        await walk.openExample(visit, 1);
        await walk.leave(visit);
        assert.equal(await walk.text(visit, ".refusal"), null);
      }
      await walk.openExample(visit, 2);
      assert.match(await walk.prove(visit), /^All 7 layers agree/);
    }),
  );
  await check(`${name}: works with its server gone`, async () => {
    const own = await serve(dist, { path: "/models/" });
    let gone = false;
    const visit = await browser.visit();
    try {
      await walk.start(visit, own.url);
      await walk.until(visit, "the files are kept", async () => {
        const registration = await navigator.serviceWorker.getRegistration();
        return registration?.active?.state === "activated" && navigator.serviceWorker.controller !== null;
      });
      const kept = own.sent.filter(({ path, again }) => again || !path.startsWith("/models/assets/"));
      // What has no hash in its name comes from the server itself, past the browser's cache.
      for (const name of ["", "icon.svg", "manifest.webmanifest", "examples/ecg.keras"])
        assert.ok(
          kept.some(({ path, again }) => path === `/models/${name}` && again),
          `${name} was not asked for anew`,
        );
      await own.close();
      gone = true;
      await walk.start(visit, own.url);
      await walk.openExample(visit, 3);
      assert.match(await walk.prove(visit), /^All 18 layers agree/);
      await walk.until(visit, "a plot", () => document.querySelector(".plot canvas") !== null);
      runSaved(await walk.saveCode(visit));
    } finally {
      await visit.close();
      if (!gone) await own.close();
    }
  });
}

/** What one browser is enough for. */
async function details(browser, server) {
  const inPage = (name, work, options) => check(name, () => visiting(browser, server, work, options));
  const motion = fixture("keras/activity-recognition-cnn/model.keras");
  const inputs = fixture("keras/activity-recognition-cnn/inputs.npz");

  for (const [what, options] of [
    ["a TensorFlow.js model and its shards", { to: "tfjs" }],
    ["safetensors of channelwise", { to: "safetensors" }],
  ])
    await inPage(`${what}, dropped`, async (visit) => {
      await walk.dropModel(visit, await filesOf(options));
      assert.match(await walk.prove(visit), /agree/);
    });
  await inPage("a folder, dropped or picked, with folders in it and what lies beside the model", async (visit) => {
    const folder = mkdtempSync(join(scratch, "folder-"));
    mkdirSync(join(folder, "inner", "deeper"), { recursive: true });
    for (const path of await filesOf({ to: "tfjs" })) copyFileSync(path, join(folder, "inner", basename(path)));
    writeFileSync(join(folder, "inner", "deeper", "about.txt"), "a text");
    writeFileSync(join(folder, ".hidden"), "of the system");
    const pick = () => visit.give('input[aria-label="Folder of a model"]', [folder]);
    for (const give of [() => walk.dropPaths(visit, [folder]), pick]) {
      await give();
      await visit.page.waitForSelector(".workspace .card");
      assert.equal(await walk.text(visit, "h1"), "model.json");
      assert.match(await walk.text(visit, ".notes"), /not part of the model: about\.txt$/);
      await walk.leave(visit);
    }
  });
  await inPage(
    "a folder that holds no model, too many files, or what can't be read is refused in words",
    async (visit) => {
      const [empty, full] = ["empty-", "full-"].map((name) => mkdtempSync(join(scratch, name)));
      for (let index = 0; index < 70; index++) writeFileSync(join(full, `${index}.txt`), "a text");
      const refused = async (folder, pattern) => {
        await walk.dropPaths(visit, [folder]);
        await walk.until(
          visit,
          String(pattern),
          (own) => new RegExp(own).test(document.querySelector(".refusal")?.textContent ?? ""),
          pattern.source,
        );
      };
      await refused(empty, /there is no file in what was given/);
      await refused(full, /65 files are more than a model has/);
      await visit.page.evaluate(() => {
        const { webkitGetAsEntry } = DataTransferItem.prototype;
        const readEntries = (_, fail) => fail(new DOMException("it is locked", "NotReadableError"));
        DataTransferItem.prototype.webkitGetAsEntry = function () {
          return Object.defineProperty(webkitGetAsEntry.call(this), "createReader", { value: () => ({ readEntries }) });
        };
      });
      await refused(full, /unreadable-fileit is lockedwherefull-\w+what to do/);
      await walk.openExample(visit, 1);
    },
  );
  await inPage("of a large file the bar shows how far it is, and Cancel ends it", async (visit) => {
    const path = join(scratch, "large.safetensors");
    const size = await writeLargeModel(path, fixture("keras/seed-experiment/model.keras"), 200_000);
    assert.ok(size > 200e6);
    await visit.page.evaluate(() => {
      window.shares = [];
      const look = () => {
        const bar = document.querySelector(".busy progress[value]");
        if (bar) window.shares.push(bar.value / bar.max);
        requestAnimationFrame(look);
      };
      look();
    });
    await visit.give("#model-files", [path]);
    await walk.until(visit, "a part of the file", () => window.shares.some((share) => share > 0.05));
    assert.match(await walk.text(visit, ".busy-label"), /^Opening large\.safetensors$/);
    await visit.page.click(".busy button");
    await walk.until(visit, "the end", () => document.querySelector(".busy") === null);
    assert.equal(await walk.text(visit, ".refusal"), null);
    await visit.page.evaluate(() => {
      window.shares.length = 0;
    });
    await visit.give("#model-files", [path]);
    await visit.page.waitForSelector(".workspace .card");
    const shares = await visit.page.evaluate(() => window.shares);
    assert.deepEqual(
      shares,
      shares.toSorted((a, b) => a - b),
    );
    const different = new Set(shares);
    assert.ok(different.size >= 4, `the bar was seen at ${[...different]}`);
    assert.ok([...different].every((share) => share < 1));
    assert.match(await walk.prove(visit), /^All 3 layers agree/);
  });
  await inPage("weights and the model they are for, in either order, picked", async (visit) => {
    const [weights] = await filesOf({ to: "weights.h5" });
    for (const paths of [
      [weights, motion],
      [motion, weights],
    ]) {
      await visit.give("#model-files", paths);
      await visit.page.waitForSelector(".workspace .card");
      assert.equal(await walk.text(visit, "h1"), weights.split("/").pop());
      await walk.leave(visit);
    }
  });
  await inPage("what lies beside a model is told of", async (visit) => {
    await walk.dropModel(visit, [motion, inputs]);
    assert.match(await walk.text(visit, ".notes"), /not part of the model: inputs\.npz/);
  });

  await inPage("arrays, text and pasted numbers give what the package gives", async (visit) => {
    const want = await expectedOutput(motion, inputs);
    const model = await load(motion);
    const [{ name }] = model.inputs;
    const { data } = (await readInputs(model, inputs))[name];
    model.dispose();
    const rows = Array.from({ length: 20 }, (_, row) => [...data.subarray(3 * row, 3 * row + 3)].join(", ")).join("\n");
    const csv = join(scratch, "steps.csv");
    writeFileSync(csv, `x, y, z\n${rows}\n`);
    await walk.openExample(visit, 2);
    await walk.tab(visit, "run");
    await walk.choose(visit, "way", "file");
    for (const path of [inputs, csv]) {
      await visit.give("#input-file", [path]);
      await walk.until(
        visit,
        "a result",
        (own) => document.querySelector(".measured")?.textContent.includes(own),
        path === csv ? "one sample" : "inputs.npz",
      );
      near(await walk.outputNumbers(visit), want);
    }
    await visit.page.fill("textarea", rows.replaceAll(",", ";"));
    await visit.page.click("#run-text");
    await walk.until(visit, "a result", () => document.querySelector(".measured")?.textContent.includes("one sample"));
    near(await walk.outputNumbers(visit), want);
    await visit.page.fill("textarea", "1, 2\n3");
    await visit.page.click("#run-text");
    await visit.page.waitForSelector(".refusal");
    assert.match(await walk.text(visit, ".refusal"), /row 2 has 1 numbers, the first has 2/);
  });
  await inPage("a sound is an input", async (visit) => {
    const samples = Float32Array.from({ length: 100 }, (_, index) => Math.sin(index / 5));
    const wav = Buffer.alloc(44 + 200);
    wav.write("RIFF");
    wav.writeUInt32LE(36 + 200, 4);
    wav.write("WAVEfmt ", 8);
    wav.writeUInt32LE(16, 16);
    wav.writeUInt16LE(1, 20);
    wav.writeUInt16LE(1, 22);
    wav.writeUInt32LE(8000, 24);
    wav.writeUInt32LE(16000, 28);
    wav.writeUInt16LE(2, 32);
    wav.writeUInt16LE(16, 34);
    wav.write("data", 36);
    wav.writeUInt32LE(200, 40);
    for (const [index, value] of samples.entries()) wav.writeInt16LE(Math.round(value * 32767), 44 + 2 * index);
    const path = join(scratch, "tone.wav");
    writeFileSync(path, wav);
    const model = await load(fixture("keras/seed-experiment/model.keras"));
    const padded = Float32Array.from({ length: 128 }, (_, index) =>
      index < 100 ? Math.round(samples[index] * 32767) / 32768 : 0,
    );
    const want = [...model.predict(padded).data];
    model.dispose();
    await walk.openExample(visit, 1);
    await walk.tab(visit, "run");
    await walk.choose(visit, "way", "file");
    await visit.give("#input-file", [path]);
    await walk.until(visit, "a result", () =>
      document.querySelector(".measured")?.textContent.includes("then zeros up to 128"),
    );
    near(await walk.outputNumbers(visit), want);
  });
  await inPage("a series is drawn with the pointer and with the keyboard", async (visit) => {
    const { page } = visit;
    await walk.openExample(visit, 1);
    await walk.tab(visit, "run");
    await walk.choose(visit, "way", "draw");
    await page.waitForSelector(".draw-area");
    const settled = async () => {
      await walk.until(visit, "a result", () => document.querySelector(".measured")?.textContent.includes("by hand"));
      await page.waitForTimeout(400);
      return walk.outputNumbers(visit);
    };
    const first = await settled();
    const box = await page.locator(".draw-area").boundingBox();
    await page.mouse.move(box.x + 20, box.y + 20);
    await page.mouse.down();
    await page.mouse.move(box.x + box.width / 2, box.y + 30, { steps: 8 });
    await page.mouse.up();
    const drawn = await settled();
    assert.notDeepEqual(drawn, first);
    await page.focus(".draw-area");
    for (const key of ["ArrowRight", "ArrowRight", "ArrowUp", "ArrowUp", "ArrowUp"]) await page.keyboard.press(key);
    assert.notDeepEqual(await settled(), drawn);
    assert.match(await page.getAttribute(".draw-area", "aria-valuetext"), /^step \d+: /);
  });
  await inPage("the chart shows where the naive way goes wrong, and what each way does about it", async (visit) => {
    await walk.openExample(visit, 2);
    const turns = () => visit.page.locator(".card-turn").count();
    assert.equal(await turns(), 1);
    assert.equal(await visit.page.locator(".strand.wrong").count(), 0);
    await walk.choose(visit, "flatten", "fold");
    await walk.until(visit, "reordered rows", () => document.querySelector(".card-weight.reordered") !== null);
    assert.equal(await turns(), 0);
    await walk.choose(visit, "flatten", "naive");
    await visit.page.waitForSelector(".card.wrong");
    assert.match(await walk.text(visit, ".card-wrong"), /values in N\(CL\) meet rows in O\(LC\)/);
    assert.ok((await visit.page.locator(".strand.wrong").count()) >= 3);
  });
  await inPage("a layer is opened by keyboard, with its weights on both sides and its lines", async (visit) => {
    const { page } = visit;
    await walk.openExample(visit, 2);
    await page.focus(".card-layer");
    await page.keyboard.press("Enter");
    await page.waitForSelector(".weight-pair canvas");
    assert.match(await walk.text(visit, ".layer"), /nn\.Conv1d\(3, 4, kernel_size=3\)/);
    const box = await page.locator(".heat-map").first().boundingBox();
    await page.mouse.move(box.x + 4, box.y + 4);
    const model = await load(motion);
    const { planConversion } = await import("channelwise");
    const [kernel] = planConversion(model).weights;
    const value = Number(kernel.read("keras")[0].toPrecision(6));
    model.dispose();
    await walk.until(
      visit,
      "the first entry",
      (own) => document.querySelector(".weight-note").textContent === own,
      `k 0, i 0, o 0: ${value}`,
    );
    const blank = await page.evaluate(() =>
      [...document.querySelectorAll(".heat-map")].some((own) => {
        const { data } = own.getContext("2d").getImageData(0, 0, own.width, own.height);
        return new Set(new Uint32Array(data.buffer)).size < 4;
      }),
    );
    assert.equal(blank, false);
  });
  await inPage("what takes long is cancelled, and the model is there again after it", async (visit) => {
    const { page } = visit;
    await walk.openExample(visit, 3);
    await walk.tab(visit, "run");
    await page.click("#measure");
    await page.click(".busy button");
    await walk.until(visit, "the end", () => document.querySelector(".busy") === null);
    assert.match(await walk.prove(visit), /^All 18 layers agree/);
    await walk.tab(visit, "run");
    await page.click("#measure");
    await page.waitForSelector(".bench td");
    assert.equal(await page.locator(".bench tbody tr").count(), 3);
  });
  await inPage("a refused file leaves the open model, its proof and its worker as they are", async (visit) => {
    await walk.openExample(visit, 2);
    await walk.prove(visit);
    await walk.drop(visit, [hostileFiles()[0]]);
    await visit.page.waitForSelector(".bar-news .refusal");
    await walk.until(visit, "the focus on what is refused", () => document.activeElement.className === "refusal");
    assert.match(await walk.text(visit, "#verdict"), /^All 7 layers agree/);
    assert.equal(await walk.text(visit, "h1"), "motion.keras");
    assert.match(await walk.prove(visit), /^All 7 layers agree/);
    await walk.dropModel(visit, [fixture("keras/seed-experiment/model.keras")]);
    await walk.until(visit, "the other model", () => document.querySelector("h1").textContent === "model.keras");
    assert.equal(await walk.text(visit, ".refusal"), null);
  });
  await inPage("arrays dropped on the box are an input, not a model", async (visit) => {
    await walk.openExample(visit, 2);
    await walk.tab(visit, "run");
    await walk.choose(visit, "way", "file");
    await visit.page.waitForSelector(".paste");
    await walk.drop(visit, [inputs], ".paste");
    await walk.until(visit, "a result", () => document.querySelector(".measured")?.textContent.includes("inputs.npz"));
    near(await walk.outputNumbers(visit), await expectedOutput(motion, inputs));
  });
  await inPage("an input that is too large or can't be read is refused in words", async (visit) => {
    await walk.openExample(visit, 2);
    await walk.tab(visit, "run");
    await walk.choose(visit, "way", "file");
    const large = join(scratch, "large.csv");
    writeFileSync(large, "0");
    truncateSync(large, 33 * 2 ** 20);
    const said = async (pattern) => {
      await walk.until(
        visit,
        String(pattern),
        (own) => new RegExp(own).test(document.querySelector(".refusal")?.textContent ?? ""),
        pattern.source,
      );
    };
    await visit.give("#input-file", [large]);
    await said(/large\.csv has 33 MiB, more than 32/);
    await visit.page.evaluate(() => {
      Blob.prototype.text = () => Promise.reject(new DOMException("gone", "NotFoundError"));
    });
    const small = join(scratch, "small.csv");
    writeFileSync(small, "1, 2, 3");
    await visit.give("#input-file", [small]);
    await said(/can't be read/);
  });
  await inPage(
    "a proof is kept while its model is open, also one that is under way when the tab changes",
    async (visit) => {
      await walk.openExample(visit, 2);
      const verdict = await walk.prove(visit);
      for (const other of ["code", "run", "layer"]) {
        await walk.tab(visit, other);
        assert.equal(await walk.text(visit, "#verdict"), null);
        await walk.tab(visit, "proof");
        assert.equal(await walk.text(visit, "#verdict"), verdict);
        assert.equal(await visit.page.locator(".panel .plot").count(), 2);
      }
      await walk.leave(visit);
      await walk.openExample(visit, 3);
      await walk.tab(visit, "proof");
      assert.equal(await walk.text(visit, "#prove"), "Prove it");
      assert.equal(await walk.text(visit, "#verdict"), null);
      await visit.page.evaluate(() => {
        document.querySelector("#prove").click();
        document.querySelector("#tab-code").click();
      });
      await walk.tab(visit, "proof");
      await visit.page.waitForSelector("#verdict");
      assert.match(await walk.text(visit, "#verdict"), /^All 18 layers agree/);
    },
  );
  await inPage("what was proven or written is not said of another choice", async (visit) => {
    await walk.openExample(visit, 2);
    await walk.saveCode(visit);
    await visit.page.waitForSelector("#written");
    await walk.choose(visit, "io", "keras");
    await walk.until(visit, "no note of the choice before", () => document.querySelector("#written") === null);
    await walk.prove(visit);
    await walk.choose(visit, "flatten", "fold");
    await visit.page.waitForSelector("#stale");
    assert.equal(await walk.text(visit, "#verdict"), null);
    assert.equal(await visit.page.locator(".panel .plot").count(), 0);
    assert.match(await walk.text(visit, "#stale"), /is of permuting the data, NLC.*now, folding into weights, NLC/);
    await walk.choose(visit, "flatten", "permute");
    await visit.page.waitForSelector("#verdict");
  });
  await inPage(
    "where the chart shows what goes wrong, the code says what it is, and permute can be chosen",
    async (visit) => {
      await walk.openExample(visit, 2);
      await walk.choose(visit, "flatten", "naive");
      await visit.page.waitForSelector("#only-shown");
      assert.equal(await visit.page.locator('input[name="code-flatten"]:checked').count(), 0);
      await visit.page.check('input[name="code-flatten"][value="permute"]', { force: true });
      await walk.until(visit, "the chart turns", () => document.querySelector(".card-turn:not(.wrong)") !== null);
      assert.equal(await visit.page.isChecked('input[name="flatten"][value="permute"]'), true);
      assert.equal(await walk.text(visit, "#only-shown"), null);
    },
  );
  await inPage("Cancel ends what it stands beside, and nothing else", async (visit) => {
    const { page } = visit;
    await walk.openExample(visit, 3);
    await walk.tab(visit, "run");
    await page.waitForSelector(".measured");
    await page.focus("#measure");
    await page.keyboard.press("Enter");
    await page.waitForSelector(".busy button");
    // The worker is at it for two seconds: the picture waits behind.
    await walk.choose(visit, "flatten", "fold");
    await page.focus(".busy button");
    await page.keyboard.press("Enter");
    await walk.until(visit, "the end", () => document.querySelector(".busy") === null);
    assert.equal(await page.evaluate(() => document.activeElement.id), "panel");
    await page.waitForSelector(".card-weight.reordered");
    assert.equal(await page.locator(".refusal").count(), 0);
  });
  await inPage("a prediction that lasts can be cancelled", async (visit) => {
    const { page } = visit;
    await page.addInitScript(() => {
      const post = Worker.prototype.postMessage;
      Worker.prototype.postMessage = function (call, ...rest) {
        if (window.holds && call.method === "predict") return;
        post.call(this, call, ...rest);
      };
    });
    await page.reload();
    await walk.openExample(visit, 1);
    await walk.tab(visit, "run");
    await page.waitForSelector(".measured");
    await page.evaluate(() => {
      window.holds = true;
    });
    await page.click("text=Draw other numbers");
    await page.waitForSelector(".busy button");
    await page.evaluate(() => {
      window.holds = false;
    });
    await page.click(".busy button");
    await walk.until(visit, "the end", () => document.querySelector(".busy") === null);
    await page.click("text=Draw other numbers");
    await walk.until(visit, "the next", () => document.querySelector(".measured")?.textContent.includes("seed 2"));
  });
  await inPage("the focus goes to what takes the place of what had it", async (visit) => {
    const { page } = visit;
    const focused = () => page.evaluate(() => document.activeElement.tagName);
    await page.focus(".examples li:nth-child(1) .example");
    await page.keyboard.press("Enter");
    await page.waitForSelector(".workspace .card");
    assert.equal(await focused(), "H1");
    await page.focus(".bar button");
    await page.keyboard.press("Enter");
    await page.waitForSelector(".start");
    await walk.until(visit, "the heading", () => document.activeElement.tagName === "H1");
    await walk.drop(visit, [hostileFiles()[0]]);
    await page.waitForSelector(".refusal");
    await walk.until(visit, "the refusal", () => document.activeElement.className === "refusal");
  });
  await inPage("a weight's numbers are gone through with the arrow keys", async (visit) => {
    const { page } = visit;
    await walk.openExample(visit, 2);
    await walk.tab(visit, "layer");
    await page.waitForSelector(".weight-pair canvas");
    await page.focus(".heat-map");
    const said = () => page.getAttribute(".heat-map", "aria-valuetext");
    assert.match(await said(), /^k 0, i 0, o 0: /);
    for (const key of ["ArrowRight", "ArrowDown"]) await page.keyboard.press(key);
    await walk.until(visit, "the entry in both maps", () =>
      document.querySelector(".weight-note").textContent.startsWith("k 0, i 1, o 1: "),
    );
    const values = await page
      .locator(".weight-pair")
      .first()
      .locator(".heat-map")
      .evaluateAll((maps) => maps.map((own) => own.getAttribute("aria-valuetext").split(": ")[1]));
    assert.equal(values[0], values[1]);
  });
  await inPage("each region that tells of news stands alone", async (visit) => {
    await walk.openExample(visit, 1);
    await walk.tab(visit, "run");
    await visit.page.click("#measure");
    await visit.page.waitForSelector(".busy button");
    const nested = "[role=status], [role=alert], [aria-live=polite], [aria-live=assertive]";
    const wrong = await visit.page.evaluate(
      (live) =>
        [...document.querySelectorAll(live)]
          .filter((own) => own.querySelector(`button, ${live}`))
          .map((own) => own.outerHTML),
      nested,
    );
    assert.deepEqual(wrong, []);
  });
  await inPage(
    "on a phone each tab controls what it shows",
    async (visit) => {
      const { page } = visit;
      await page.tap(".examples li:nth-child(2) .example");
      await page.waitForSelector("#tab-chart");
      for (const name of ["chart", "code", "proof"]) {
        await walk.tab(visit, name);
        const panel = page.locator(`#${await page.getAttribute(`#tab-${name}`, "aria-controls")}`);
        assert.equal(await panel.isVisible(), true, name);
        assert.equal(await panel.getAttribute("role"), "tabpanel");
        assert.equal(await panel.getAttribute("aria-labelledby"), `tab-${name}`);
      }
    },
    { viewport: { width: 360, height: 740 }, isMobile: true, hasTouch: true },
  );
  await inPage(
    "a chart that is wider than a phone is first seen where it starts",
    async (visit) => {
      await visit.page.tap(".examples li:nth-child(3) .example");
      await visit.page.waitForSelector("#tab-chart");
      await walk.tab(visit, "chart");
      const inside = () => {
        const [card, place] = [".card", ".chart-scroll"].map((own) => document.querySelector(own));
        const [inner, outer] = [card, place].map((own) => own.getBoundingClientRect());
        return place.scrollWidth > outer.width && inner.left >= outer.left && inner.right <= outer.right;
      };
      await walk.until(visit, "the first card", inside);
    },
    { viewport: { width: 390, height: 740 }, isMobile: true, hasTouch: true },
  );
  await check("a part of the page that can't be fetched is told of", async () => {
    const visit = await browser.visit({ serviceWorkers: "block" });
    try {
      await visit.page.route("**/workspace-*.js", (route) => route.abort());
      await walk.start(visit, server.url);
      await walk.drop(visit, [motion]);
      await visit.page.waitForSelector(".refusal");
      assert.match(await walk.text(visit, ".refusal"), /a part of the page could not be fetched.*reload the page/);
    } finally {
      await visit.close();
    }
  });
  await inPage("a browser that does not let the page copy is told of", async (visit) => {
    await walk.openExample(visit, 1);
    await visit.page.evaluate(() => {
      navigator.clipboard.writeText = () => Promise.reject(new DOMException("no", "NotAllowedError"));
    });
    await visit.page.click("#copy");
    await visit.page.waitForSelector("#not-copied");
  });
  await inPage(
    "code is copied",
    async (visit) => {
      await walk.openExample(visit, 1);
      await visit.page.click("#copy");
      await walk.until(visit, "copied", () => document.querySelector("#copy").textContent === "Copied");
      assert.match(await visit.page.evaluate(() => navigator.clipboard.readText()), /^class Net\(nn\.Module\):$/m);
    },
    { permissions: ["clipboard-read", "clipboard-write"] },
  );
}

/** Does all of one browser's checks. One that can't be opened is a check that failed, and the other's go on. */
async function inBrowser(what, open, work) {
  let browser;
  try {
    browser = await open();
  } catch (error) {
    return report(`${what} opens`, error);
  }
  console.log(browser.name);
  try {
    await work(browser);
  } finally {
    await browser.close();
  }
}

const server = await serve(dist, { path: "/some/where/" });
try {
  await inBrowser("Chromium", openChromium, async (browser) => {
    await common(browser, server);
    await details(browser, server);
    await budget(browser, dist, check);
    await accessibility(browser, server, check, hostileFiles()[0]);
  });
  await inBrowser("Firefox", openFirefox, (browser) => common(browser, server));
} finally {
  await server.close();
  rmSync(scratch, { recursive: true, force: true });
  console.log(`\n${passed} passed, ${failed} failed`);
  process.exitCode = failed === 0 && passed > 0 ? 0 : 1;
}
