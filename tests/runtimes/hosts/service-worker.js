/** A service worker: answers on the port that comes with the number of threads. */
import { suiteInPlace } from "./in-place.js";

addEventListener("message", (event) =>
  event.waitUntil(suiteInPlace(event.data).then((text) => event.ports[0].postMessage(text))),
);
