/**
 * chromium: a browser without a window, and a stranger's copy of the examples as pages
 */
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { extname, join, normalize } from "node:path";
import { chromium } from "playwright-core";

const types = { ".html": "text/html", ".js": "text/javascript", ".wasm": "application/wasm" };

/** The browser; from $CHROMIUM, or where Debian's package puts it. It looks for nothing outside this machine. */
export function openBrowser() {
  return chromium.launch({
    executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
    args: [
      "--no-sandbox",
      "--disable-gpu",
      "--disable-quic",
      "--no-first-run",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
      "--use-fake-device-for-media-stream",
      "--use-fake-ui-for-media-stream",
    ],
  });
}

/**
 * Serves a folder. Pages and scripts of a clone find the package at ../../dist; here it is installed, as their comments say what to change.
 *
 * @param {string} folder @returns {Promise<{ url: URL, stop(): void }>}
 */
export async function serveFolder(folder) {
  const server = createServer((request, response) => {
    const path = normalize(decodeURIComponent(new URL(request.url, "http://x").pathname)).replace(/\/$/, "/index.html");
    // What browsers ask every site for.
    if (path === "/favicon.ico") return response.writeHead(204).end();
    try {
      const type = types[extname(path)] ?? "application/octet-stream";
      const file = readFileSync(join(folder, path));
      const installed = type.startsWith("text/") && !path.startsWith("/node_modules/");
      const body = installed ? file.toString().replaceAll("../../dist/", "../node_modules/channelwise/dist/") : file;
      response.writeHead(200, { "content-type": type }).end(body);
    } catch {
      response.writeHead(404).end();
    }
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  return { url: new URL(`http://127.0.0.1:${server.address().port}/`), stop: () => server.close() };
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
