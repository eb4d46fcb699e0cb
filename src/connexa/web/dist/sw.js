// Keeps the app's shell, so that it opens while the node is down and can say so. Nothing of the API is ever kept.
const CACHE = `connexa-${"4cef4daf6943cded"}`;
const FILES = ["/app.webmanifest","/assets/GroupScreens.js","/assets/KeySheet.js","/assets/Page.js","/assets/Palette.js","/assets/PeopleScreens.js","/assets/Qr.js","/assets/SettingsScreens.js","/assets/Welcome.js","/assets/index.css","/assets/index.js","/assets/parts.js","/assets/queries.js","/assets/rolldown-runtime.js","/assets/trust.js","/first.js","/icon.svg","/"];

self.addEventListener("install", (event) => {
  event.waitUntil(caches.open(CACHE).then((cache) => cache.addAll(FILES)).then(() => self.skipWaiting()));
});

self.addEventListener("activate", (event) => {
  event.waitUntil(
    caches
      .keys()
      .then((names) => Promise.all(names.filter((name) => name !== CACHE).map((name) => caches.delete(name))))
      .then(() => self.clients.claim()),
  );
});

// The node first, for it has the newest; what is kept answers only where nobody does.
self.addEventListener("fetch", (event) => {
  const url = new URL(event.request.url);
  if (event.request.method !== "GET" || url.origin !== self.location.origin || !FILES.includes(url.pathname)) return;
  event.respondWith(fetch(event.request).catch(() => caches.match(url.pathname, { cacheName: CACHE }).then((kept) => kept ?? Response.error())));
});
