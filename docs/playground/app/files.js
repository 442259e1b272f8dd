// The files that the page is made of: read from the page itself where it is one file, else fetched once and kept.
// Each is known by its hash, so that no two builds are ever mixed.
const files = (() => {
  const address = name => `${name}?${build.files[name].sha256.slice(0, 16)}`;
  const inPage = name => document.getElementById(`file-${name}`);

  async function unpacked(tag) {
    const packed = Uint8Array.from(atob(tag.textContent), letter => letter.charCodeAt(0));
    return new Response(new Blob([packed]).stream().pipeThrough(new DecompressionStream("gzip"))).arrayBuffer();
  }
  // Where the browser lets nothing be kept, as in a private window, files are fetched each time.
  const kept = () => globalThis.caches?.open(`${build.cache} ${new URL(".", location).pathname}`).catch(() => null);

  async function fetched(name) {
    const cache = await kept(), known = await cache?.match(address(name));
    if (known) return known.arrayBuffer();
    const answer = await fetch(address(name), {integrity: build.files[name].integrity}).catch(() => null);
    if (!answer?.ok) throw new Error(say("not_fetched", {name}));
    await cache?.put(address(name), answer.clone()).catch(() => null);
    return answer.arrayBuffer();
  }
  // The bytes of a file.
  const load = name => inPage(name) ? unpacked(inPage(name)) : fetched(name);
  return {load, isOneFile: build.one_file};
})();
