// The second visit needs no network: a service worker keeps the page and all its files, by their hashes.
const offline = (() => {
  // `onchange` is called once all is kept: with true where that is a newer build than the one that is shown.
  async function start(onchange) {
    if (files.isOneFile || !navigator.serviceWorker) return;
    await engine.ready.catch(() => null);           // what Python needs is fetched first, and once
    let isKept = Boolean(navigator.serviceWorker.controller);
    navigator.serviceWorker.addEventListener("controllerchange", () => {
      onchange(isKept);
      isKept = true;
    });
    await navigator.serviceWorker.register("sw.js").catch(() => null);      // not in a private window
  }
  return {start};
})();
