// A quiz to practise on.
const { words, items } = JSON.parse(document.getElementById("data").textContent);
const replyTo = quiz_replies(words), right = new Set();

items.forEach((blanks, i) => {
  const section = document.getElementById(`q${i + 1}`);
  const places = [...section.querySelectorAll(".blanks > label, .blanks > fieldset")];
  const said = [...section.querySelectorAll(".said")];
  const given = (place, blank) => typeof blank.answer === "string"
    ? place.querySelector(":checked")?.value ?? "" : place.querySelector("input").value;
  const check = () => {
    const replies = blanks.map((blank, k) => replyTo(given(places[k], blank), blank));
    replies.forEach((reply, k) => {
      said[k].textContent = reply.text;
      said[k].className = `said ${reply.isRight ? "right" : "wrong"}`;
    });
    right[replies.every(reply => reply.isRight) ? "add" : "delete"](i);
    document.getElementById("score").textContent =
      words.score.replace("{count}", right.size).replace("{all}", items.length);
  };
  const button = section.querySelector(".check");
  button.hidden = false;
  button.addEventListener("click", check);
  section.addEventListener("keydown", event => {
    if (event.key === "Enter" && event.target.tagName === "INPUT") check();
  });
});
