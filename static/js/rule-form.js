// Rule form: shows only the timing fields that count, and inserts merge fields where the cursor stands.
const timing = document.getElementById("timing");
if (timing) {
  const shown = {
    now: [],
    delay: ["amount", "unit"],
    date: ["amount", "unit", "side", "date_field"],
    time: ["at"],
  };
  const always = ["when", "working_only", "late_limit"];
  const choose = timing.querySelector("[name=when-when]");
  const update = () => {
    const wanted = [...always, ...(shown[choose.value] || []), ...(choose.value === "now" ? [] : ["zone_of"])];
    for (const row of timing.querySelectorAll("[data-field]")) {
      // A field with an error is always shown, else nobody could mend it.
      row.hidden = !wanted.includes(row.dataset.field) && !row.classList.contains("errors");
    }
  };
  choose.addEventListener("change", update);
  update();
}

// Comparisons: those that say something and one more are in sight; the button brings another.
const another = document.querySelector("[data-another-comparison]");
if (another) {
  const rows = () => [...document.querySelectorAll(".condition-row")];
  const says = (row) => [...row.querySelectorAll("input, select")].some((field) => field.value) || row.querySelector(".errorlist");
  const enough = () => (another.hidden = rows().length >= another.dataset.most && rows().every((row) => !row.hidden));
  const shown = Math.max(1, rows().findLastIndex(says) + 1);
  rows().forEach((row, place) => (row.hidden = place >= shown));
  another.addEventListener("click", () => {
    let row = rows().find((one) => one.hidden);
    if (!row) {
      const number = rows().length + 1;
      row = rows()[0].cloneNode(true);
      for (const list of row.querySelectorAll(".errorlist")) list.remove();
      for (const part of row.querySelectorAll("[id], [name], [for]")) {
        for (const name of ["id", "name", "for"]) {
          if (part.hasAttribute(name)) part.setAttribute(name, part.getAttribute(name).replace(/_\d+$/, `_${number}`));
        }
      }
      for (const field of row.querySelectorAll("input, select")) field.value = "";
      rows().at(-1).after(row);
    }
    row.hidden = false;
    row.querySelector("select").focus();
    enough();
  });
  enough();
}
let last = document.querySelector("[data-merge]");
document.addEventListener("focusin", (event) => {
  if (event.target.matches("[data-merge]")) last = event.target;
});
document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-insert]");
  if (!button || !last) return;
  last.setRangeText(button.dataset.insert, last.selectionStart, last.selectionEnd, "end");
  last.focus();
});
