// Rule form: shows only the timing fields that count, and inserts merge fields where the cursor stands.
// In the administration it is there from the start; the designer binds each panel that it opens.
import { bindCondition } from "./condition.js";

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

  const conditions = root.querySelector(".conditions[data-row-url]");
  if (conditions?.querySelector("[data-group]")) bindCondition(conditions);
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
