// The composer on a customer's page: another kind or another card, and what is half written stays.
import { $, $$, guard } from "./app.js";
import { select } from "./composer.js";

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-write]");
  const tab = button && $(`#tab-${button.dataset.write}`);
  if (!tab) return;
  event.preventDefault();
  select(tab);
  $(".composer").scrollIntoView({ block: "nearest" });
  const panel = $(`#write-${button.dataset.write}`);
  const focus = () => $("input:not([type=hidden]), textarea, trix-editor, select", panel)?.focus();
  focus();
  if ($("[data-fields]", panel)) document.addEventListener("htmx:afterSettle", focus, { once: true });
});

// What is not touched is asked for anew for the other card; what is keeps its text, and goes to that card.
document.addEventListener("change", (event) => {
  const chosen = event.target.closest("#write-on");
  if (!chosen) return;
  for (const form of $$(".composer form[role=tabpanel]")) {
    const kind = form.id.replace("write-", "");
    const action = form.getAttribute("action").replace(/items\/\d+/, `items/${chosen.value}`);
    form.setAttribute("action", action);
    const place = $("[data-fields]", form);
    if (place) place.dataset.fields = action;
    else if (kind !== "note" && !("touched" in form.dataset)) renew(form, action);
  }
});

async function renew(form, action) {
  const response = guard(await fetch(action, { headers: { "HX-Request": "true" } }));
  if (!response.ok) return;
  for (const child of [...form.children]) if (child.name !== "csrfmiddlewaretoken" && child.name !== "back") child.remove();
  form.insertAdjacentHTML("beforeend", await response.text());
  window.htmx.process(form);
  document.dispatchEvent(new Event("htmx:afterSettle"));
}

document.addEventListener("input", (event) => {
  const form = event.target.closest(".composer form[role=tabpanel]");
  if (form) form.dataset.touched = "";
});
document.addEventListener("submit", (event) => delete event.target.dataset.touched, true);
window.addEventListener("beforeunload", (event) => {
  if ($(".composer form[data-touched]")) event.preventDefault();
});

// The button is for pages without scripts.
for (const button of $$(".write-on button")) button.hidden = true;
