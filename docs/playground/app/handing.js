// What the page hands over: a text to the clipboard, a file to the downloads.
const handing = (() => {
  // Was it copied?  Not every browser lets pages do so.
  const copy = async text => Boolean(await navigator.clipboard?.writeText(text).then(() => true, () => false));

  // A button that copies the text of an element; where that may not be, the text is selected.
  function copier(parent, field) {
    const button = element(parent, "button", {type: "button", onclick: async () => {
      const isCopied = await copy(field.textContent);
      if (!isCopied) getSelection().selectAllChildren(field);
      told.textContent = say(isCopied ? "text_copied" : "copy_by_hand");
    }}, say("copy"));
    button.after(" ");
    const told = element(parent, "span", {role: "status"});
  }
  function download(name, text, type) {
    const address = URL.createObjectURL(new Blob([text], {type}));
    element(null, "a", {href: address, download: name}).click();
    setTimeout(() => URL.revokeObjectURL(address), 60_000);
  }
  return {copier, copy, download};
})();
