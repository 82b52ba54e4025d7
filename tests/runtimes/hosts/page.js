/**
 * page: runs the suite in a page, in a module worker and in a service worker, and reports each
 *
 * The address says how many threads there are to be (`?threads=2`). A service worker has no workers of its own.
 */
import { suiteInPlace } from "./in-place.js";
import { report } from "./report.js";

const threads = Number(new URLSearchParams(location.search).get("threads"));

/** What a worker answers to the number of threads that it should have. */
const answer = (send) =>
  new Promise((resolve, reject) => {
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = ({ data }) => resolve(data);
    send(port2, reject);
  });

await report("page", suiteInPlace(threads));
await report(
  "module worker",
  answer((port, reject) => {
    const worker = new Worker("worker.js", { type: "module" });
    worker.onerror = (event) => reject(new Error(event.message));
    worker.postMessage(threads, [port]);
  }),
);
await report(
  "service worker",
  navigator.serviceWorker.register("service-worker.js", { type: "module" }).then(async (registration) => {
    const worker = registration.installing ?? registration.active;
    const text = await answer((port) => worker.postMessage(1, [port]));
    await registration.unregister();
    return text;
  }),
);
await report("end", "");
