/**
 * chromium: a browser without a window, and a stranger's copy of the examples as pages
 */
import { readFileSync } from "node:fs";
import { chromium } from "playwright-core";
import { chromiumFlags, chromiumPath } from "../support/chromium.js";
import { fileAt, listen, typeOf } from "../support/static-files.js";

/** The browser, with a microphone that is none. It looks for nothing outside this machine. */
export function openBrowser() {
  return chromium.launch({
    executablePath: chromiumPath,
    args: [...chromiumFlags, "--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream"],
  });
}

/**
 * Serves a folder. Pages and scripts of a clone find the package at ../../dist; here it is installed, as their comments say what to change.
 *
 * @param {string} folder @returns {Promise<{ url: URL, stop(): Promise<void> }>}
 */
export async function serveFolder(folder) {
  const { url, close } = await listen((request, response) => {
    const { pathname } = new URL(request.url, "http://x");
    // What browsers ask every site for.
    if (pathname === "/favicon.ico") return response.writeHead(204).end();
    const path = fileAt(folder, pathname);
    if (!path) return response.writeHead(404).end();
    const type = typeOf(path);
    const file = readFileSync(path);
    const installed = type.startsWith("text/") && !pathname.startsWith("/node_modules/");
    const body = installed ? file.toString().replaceAll("../../dist/", "../node_modules/channelwise/dist/") : file;
    response.writeHead(200, { "content-type": type }).end(body);
  });
  return { url: new URL(url), stop: close };
}

/** A page whose errors are noted, failed requests among them. @param {import("playwright-core").Browser} browser @param {URL} url */
export async function openPage(browser, url) {
  const page = await browser.newPage();
  const errors = [];
  page.on("pageerror", (error) => errors.push(String(error)));
  page.on("console", (message) => message.type() === "error" && errors.push(message.text()));
  await page.goto(url.href);
  return { page, errors };
}
