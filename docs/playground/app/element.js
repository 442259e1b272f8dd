// A new element in the page: its attributes, functions for its events, and its text, which is never read as HTML.
// element(root, "button", {id: "quiz_check", onclick: check}, say("quiz.check"))
const element = (() => {
  return function element(parent, kind, attributes = {}, text = "") {
    const made = document.createElement(kind);
    for (const [name, value] of Object.entries(attributes)) {
      if (typeof value === "function") made.addEventListener(name.replace(/^on/, ""), value);
      else if (value === true) made.setAttribute(name, "");
      else if (value !== false && value != null) made.setAttribute(name, value);
    }
    if (text !== "") made.textContent = text;
    parent?.append(made);
    return made;
  };
})();
