// Rule form: shows only the timing fields that count, and inserts merge fields where the cursor stands.
// In the administration it is there from the start; the designer binds each panel that it opens.
export function bind(root) {
  const timing = root.querySelector("#timing");
  if (timing) {
    const shown = {
      now: [],
      delay: ["amount", "unit", "delay_at"],
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

  // Comparisons: those that say something and one more are in sight; the button brings another. What fits a field, and
  // what boxes a comparison takes, the server says.
  const conditions = root.querySelector(".conditions[data-row-url]");
  const another = root.querySelector("[data-another-comparison]");
  if (conditions && another) {
    const rows = () => [...conditions.querySelectorAll(".condition-row")];
    const select = (row, kind) => row.querySelector(`select[name^="if-${kind}_"]`);
    const says = (row) => select(row, "field").value || row.querySelector(".errorlist");
    const enough = () => (another.hidden = rows().length >= another.dataset.most && rows().every((row) => !row.hidden));
    const shown = Math.max(1, rows().findLastIndex(says) + 1);
    rows().forEach((row, place) => (row.hidden = place >= shown));

    async function drawn(number, field, op, values = []) {
      const asked = new URLSearchParams({ n: number, field, op });
      for (const value of values) asked.append("value", value);
      asked.append("pipeline", conditions.dataset.pipeline);
      const answer = await fetch(`${conditions.dataset.rowUrl}?${asked}`);
      if (!answer.ok) throw new Error(answer.status);
      const holder = document.createElement("template");
      holder.innerHTML = await answer.text();
      return holder.content.querySelector(".condition-row");
    }

    conditions.addEventListener("change", async (event) => {
      const match = event.target.name?.match(/^if-(field|op)_(\d+)$/);
      if (!match) return;
      const row = event.target.closest(".condition-row");
      try {
        // What was typed goes along to another comparison of the same field.
        const boxes = match[1] === "op" ? new FormData(row.closest("form")).getAll(`if-value_${match[2]}`) : [];
        const [field, op] = [select(row, "field").value, select(row, "op").value];
        const fresh = await drawn(match[2], field, op, boxes.filter(Boolean));
        // Arrow keys may have gone on while the answer travelled.
        if (select(row, "field").value !== field || select(row, "op").value !== op) return;
        row.replaceWith(fresh);
        select(fresh, match[1]).focus();
      } catch {
        // The row stays as it was; the server reads whatever its one box holds.
      }
    });
    another.addEventListener("click", async () => {
      let row = rows().find((one) => one.hidden);
      if (!row) {
        row = await drawn(rows().length + 1, "", "");
        rows().at(-1).after(row);
      }
      row.hidden = false;
      select(row, "field").focus();
      enough();
    });
    enough();
  }
}

let last = document.querySelector("[data-merge]");
document.addEventListener("focusin", (event) => {
  if (event.target.matches("[data-merge]")) last = event.target;
});
document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-insert]");
  if (!button || !last?.isConnected) return;
  last.setRangeText(button.dataset.insert, last.selectionStart, last.selectionEnd, "end");
  last.dispatchEvent(new Event("input", { bubbles: true }));
  last.focus();
});
bind(document);
