/**
 * The service worker: keeps all files of one version of the page, so that it works without a network after the first visit.
 *
 * A new version is fetched in the background and takes over when no page of the old one is open any more: a page never sees files of
 * two versions. `version` and `files` stand before this text when the page is built (offline-plugin.ts).
 */
/* global version, files */
const prefix = `channelwise ${self.registration.scope} `;
const name = prefix + version;

self.addEventListener("install", (event) => {
  // What has its contents in its name may come out of a cache; of all else, a cache may hold the version before.
  const cacheFor = (file) => (file.startsWith("./assets/") ? "default" : "reload");
  const requests = files.map((file) => new Request(file, { cache: cacheFor(file) }));
  event.waitUntil(caches.open(name).then((cache) => cache.addAll(requests)));
});

self.addEventListener("activate", (event) => {
  const old = async () => {
    for (const key of await caches.keys()) if (key.startsWith(prefix) && key !== name) await caches.delete(key);
    await self.clients.claim();
  };
  event.waitUntil(old());
});

self.addEventListener("fetch", (event) => {
  const { request } = event;
  if (request.method !== "GET" || !request.url.startsWith(self.registration.scope)) return;
  const asked = request.mode === "navigate" ? "./" : request;
  const answer = async () => {
    const cache = await caches.open(name);
    return (await cache.match(asked, { ignoreSearch: true })) ?? fetch(request);
  };
  event.respondWith(answer());
});
