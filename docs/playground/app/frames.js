// A live page inside this one. frames.make(root, title, onstate) gives {element, show(html), go({step, numbers})};
// onstate gets {numbers, step} after each change that a user makes there.
const frames = (() => {
  const open = new Map();               // {its window: what hears of it}

  addEventListener("message", ({source, data}) => {
    if (data?.tinygrad_edu === "state") open.get(source)?.(data);
  });

  function make(root, title, onstate = () => {}) {
    const frame = element(root, "iframe", {class: "frame", title, sandbox: "allow-scripts"});
    let isLoading = false;              // meanwhile the page before may still speak
    open.set(frame.contentWindow, state => {
      if (Number.isFinite(state.height)) frame.style.height = `${Math.ceil(state.height)}px`;
      if (!isLoading) onstate(state);
    });
    const go = told => frame.contentWindow.postMessage({tinygrad_edu: "go", ...told}, "*");
    frame.onload = () => { isLoading = false; go({}); };            // to which it tells its state
    return {element: frame, go, show(html) { isLoading = true; frame.srcdoc = html; }};
  }
  // (x + y) * z stepped to the middle: it was made when this page was built, and is live at once.
  const first = () => build.first[say.language] ?? build.first.en;
  return {make, first};
})();
