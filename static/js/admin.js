// What Django's pages leave without a name, so that nobody who listens would know what is asked for: the boxes of its
// pickers (select2), and the tick that deletes a row of a table.
let made = 0;

function nameBox(box, select) {
  const label = select?.id && document.querySelector(`label[for="${select.id}"]`);
  const text = label ? label.textContent.trim().replace(/:$/, "") : select?.getAttribute("aria-label");
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
  for (const tick of document.querySelectorAll(".tabular td.delete input:not([aria-label])")) {
    const heading = tick.closest("table")?.querySelector("thead th:last-child");
    if (heading) tick.setAttribute("aria-label", heading.textContent.trim());
  }
}

window.addEventListener("load", () => setTimeout(nameAll));
document.addEventListener("formset:added", () => setTimeout(nameAll));
