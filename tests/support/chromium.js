/**
 * chromium: where it is, and how the tests start it
 */
import { existsSync } from "node:fs";

const usual = ["/usr/bin/chromium", "/usr/bin/chromium-browser"];

/** $CHROMIUM, or where Debian's package puts it. */
export const chromiumPath = process.env.CHROMIUM ?? usual.find((path) => existsSync(path)) ?? usual[0];

/** Nothing that the browser does for itself is to reach the network, or to be taken for something that a page does. */
export const chromiumFlags = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];
