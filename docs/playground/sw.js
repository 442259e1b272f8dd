'use strict';
// Keeps the page and all its files, so that the next visit needs no network.  A new build has other hashes, so this script
// is another one: the browser fetches all of the new build, and only then throws the old one away.
const manifest = $manifest;
const PAGE = "index.html", folder = new URL(registration.scope).pathname;
const kept = `$${manifest.cache} $${folder}`;          // other builds may lie in other folders of this host
const address = name => name === PAGE ? "./" : `$${name}?$${manifest.files[name].sha256.slice(0, 16)}`;

// Files that the page has put there already are not fetched again; what the browser keeps from an older build is.
async function keep(cache, name) {
  if (await cache.match(address(name))) return;
  const {integrity} = manifest.files[name], how = kind => fetch(address(name), {integrity, cache: kind});
  const answer = await how("default").catch(() => how("reload"));
  if (!answer.ok) throw new Error(name);
  await cache.put(address(name), answer);
}
async function install() {
  const cache = await caches.open(kept);
  await Promise.all(Object.keys(manifest.files).map(name => keep(cache, name)));
  await self.skipWaiting();
}
async function activate() {
  const ours = (await caches.keys()).filter(other => other.startsWith("tinygrad_edu-") && other.endsWith(` $${folder}`));
  await Promise.all(ours.filter(other => other !== kept).map(other => caches.delete(other)));
  await clients.claim();
}
async function answer(request) {
  const cache = await caches.open(kept), wanted = request.mode === "navigate" ? address(PAGE) : request.url;
  return await cache.match(wanted) ?? fetch(request);
}
addEventListener("install", event => event.waitUntil(install()));
addEventListener("activate", event => event.waitUntil(activate()));
addEventListener("fetch", event => {
  const {origin, pathname} = new URL(event.request.url);
  const isPage = event.request.mode !== "navigate" || [folder, `$${folder}$${PAGE}`].includes(pathname);
  if (origin === location.origin && event.request.method === "GET" && isPage) event.respondWith(answer(event.request));
});
