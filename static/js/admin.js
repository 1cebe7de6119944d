// What Django's pages leave without a name, so that nobody who listens would know what is asked for: the boxes of its
// pickers (select2), dates with their time, the tick that deletes a row of a table, the hints of its two lists.
let made = 0;

const bare = (label) => label.textContent.trim().replace(/:$/, "");

function nameBox(box, select) {
  const label = select?.id && document.querySelector(`label[for="${select.id}"]`);
  const text = label ? bare(label) : select?.getAttribute("aria-label");
  if (!text) return;
  box.querySelector('[role="textbox"]')?.setAttribute("aria-label", text);
  if (label) {
    label.id ||= `label-${++made}`;
    const value = box.querySelector(".select2-selection__rendered");
    box.setAttribute("aria-labelledby", [label.id, value?.id].filter(Boolean).join(" "));
  } else {
    box.removeAttribute("aria-labelledby");
    box.setAttribute("aria-label", text);
  }
}

function nameAll() {
  for (const box of document.querySelectorAll('.select2-container [role="combobox"]')) {
    nameBox(box, box.closest(".select2-container").previousElementSibling);
  }
  for (const field of document.querySelectorAll(".select2-search__field:not([aria-label])")) {
    const select = field.closest(".select2-container").previousElementSibling;
    const label = select?.id && document.querySelector(`label[for="${select.id}"]`);
    if (label) field.setAttribute("aria-label", bare(label));
  }
  for (const field of document.querySelectorAll(".datetime input:not([aria-label])")) {
    const label = field.closest(".form-row")?.querySelector("label, legend");
    if (label) field.setAttribute("aria-label", `${bare(label)}: ${field.previousSibling?.textContent.trim().replace(/:$/, "") || ""}`);
  }
  for (const hint of document.querySelectorAll(".help-tooltip[aria-label]")) hint.setAttribute("role", "img");
  for (const tick of document.querySelectorAll(".tabular td.delete input:not([aria-label])")) {
    const heading = tick.closest("table")?.querySelector("thead th:last-child");
    if (heading) tick.setAttribute("aria-label", heading.textContent.trim());
  }
}

window.addEventListener("load", () => setTimeout(nameAll));
document.addEventListener("formset:added", () => setTimeout(nameAll));
