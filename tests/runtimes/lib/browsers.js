/**
 * browsers: those of Debian, started with a page's address; the page reports to the server, so that no driver is needed
 */
import { execFileSync, spawn } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { chromiumFlags, chromiumPath } from "../../support/chromium.js";

/** The longest that a page may take. */
const limitMilliseconds = 90_000;

/** @typedef {{ threads: boolean, command: string, options: (profile: string, url: string) => string[], version: () => string, env?: Record<string, string> }} Browser */

/** @param {string} command @param {RegExp} pattern */
function versionOf(command, pattern) {
  const [, version] =
    pattern.exec(execFileSync(command, ["--version"], { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] })) ?? [];
  if (!version) throw new Error(`${command} does not say its version`);
  return version;
}

/** @type {Browser} */
const chromium = {
  threads: true,
  command: chromiumPath,
  version: () => versionOf(chromiumPath, /Chromium ([\d.]+)/),
  options: (profile, url) => [
    ...["--headless", ...chromiumFlags, "--disable-dev-shm-usage", `--user-data-dir=${profile}`, url],
  ],
};

/** @type {Browser} */
const firefox = {
  threads: true,
  command: "firefox-esr",
  version: () => versionOf("firefox-esr", /Firefox ([\d.]+)/),
  options: (profile, url) => {
    // No request that the page does not make.
    const off = [
      "app.normandy.enabled",
      "browser.shell.checkDefaultBrowser",
      "datareporting.policy.dataSubmissionEnabled",
    ];
    const preferences = [
      ...off.map((name) => `user_pref("${name}", false);`),
      `user_pref("network.captive-portal-service.enabled", false);`,
      `user_pref("network.connectivity-service.enabled", false);`,
      `user_pref("services.settings.server", "data:,");`,
      `user_pref("browser.aboutwelcome.enabled", false);`,
    ];
    writeFileSync(join(profile, "user.js"), preferences.join("\n"));
    return ["--headless", "--no-remote", "--profile", profile, url];
  },
};

/** In the package webkit2gtk-driver, outside of PATH. */
function miniBrowser() {
  const libraries = readdirSync("/usr/lib").map((name) => `/usr/lib/${name}`);
  const found = ["4.1", "4.0", "6.0"].flatMap((version) =>
    libraries.map((folder) => `${folder}/${version === "6.0" ? "webkitgtk" : "webkit2gtk"}-${version}/MiniBrowser`),
  );
  const path = found.find((each) => existsSync(each));
  if (!path) throw new Error("there is no MiniBrowser: it is in the package webkit2gtk-driver");
  return path;
}

/** @type {Browser} */
const webkit = {
  // It gives a page no SharedArrayBuffer, isolated or not.
  threads: false,
  command: "xvfb-run",
  version: () => {
    const output = execFileSync("xvfb-run", ["-a", miniBrowser(), "--version"], {
      encoding: "utf8",
      stdio: ["ignore", "pipe", "ignore"],
    });
    return /[\d.]+/.exec(output)?.[0] ?? "unknown";
  },
  options: (_profile, url) => ["-a", miniBrowser(), "--private", url],
  // Root has no namespaces to build its sandbox from in a container.
  env: {
    WEBKIT_DISABLE_SANDBOX_THIS_IS_DANGEROUS: "1",
    WEBKIT_DISABLE_COMPOSITING_MODE: "1",
    LIBGL_ALWAYS_SOFTWARE: "1",
  },
};

export const browsers = { chromium, firefox, webkit };

/**
 * Opens a page, and waits until it says that it is at its end.
 *
 * @param {Browser} browser @param {string} url @param {Awaited<ReturnType<typeof import("./server.js").serveFolder>>} server
 * @returns {Promise<{ place: string, lines: string }[]>}
 */
export async function visit(browser, url, server) {
  const profile = mkdtempSync(join(tmpdir(), "channelwise-browser-"));
  const child = spawn(browser.command, browser.options(profile, url), {
    stdio: "ignore",
    detached: true,
    env: { ...process.env, HOME: profile, TMPDIR: profile, ...browser.env },
  });
  /** @type {{ place: string, lines: string }[]} */
  const reports = [];
  /** @type {NodeJS.Timeout | undefined} */
  let timer;
  try {
    await new Promise((resolve, reject) => {
      timer = setTimeout(() => reject(new Error(`no end after ${limitMilliseconds / 1000} s`)), limitMilliseconds);
      child.on("error", reject);
      child.on("exit", (code) => reject(new Error(`${browser.command} ended with ${code}`)));
      server.reports((report) => (report.place === "end" ? resolve(null) : reports.push(report)));
    });
  } catch (error) {
    reports.push({ place: "page", lines: `FAIL ran to its end: ${error}` });
  } finally {
    clearTimeout(timer);
    server.reports(null);
    child.removeAllListeners();
    // The process and those that it started, which have its group.
    if (child.pid) endGroup(child.pid);
    await new Promise((resolve) => setTimeout(resolve, 200));
    rmSync(profile, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
  }
  return reports;
}

/** @param {number} pid */
function endGroup(pid) {
  try {
    process.kill(-pid, "SIGKILL");
  } catch {
    // It has ended by itself.
  }
}
