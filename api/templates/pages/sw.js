// Caches the pages, so that a learner can record while the server is unreachable. Responses of the API are not cached.

const CACHE = "waijiao-pages";
const FILES = new Set({{ files | tojson }});
const ANY_LANGUAGE = { ignoreVary: true };

self.addEventListener("install", (event) => {
  self.skipWaiting();
  event.waitUntil(caches.open(CACHE).then((cache) => cache.addAll(FILES)));
});
self.addEventListener("activate", (event) => event.waitUntil(self.clients.claim()));

/** The server's newest version; the stored one only while the server cannot be reached. */
self.addEventListener("fetch", (event) => {
  const url = new URL(event.request.url);
  if (event.request.method !== "GET" || url.origin !== location.origin || !FILES.has(url.pathname)) return;
  event.respondWith(
    fetch(event.request).then(
      (response) => {
        if (response.ok) {
          const copy = response.clone();
          event.waitUntil(caches.open(CACHE).then((cache) => cache.put(url.pathname, copy)));
        }
        return response;
      },
      async (error) => (await caches.match(url.pathname, ANY_LANGUAGE)) ?? Promise.reject(error),
    ),
  );
});
