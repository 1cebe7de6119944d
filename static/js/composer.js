// The composer's tabs, and the parts of a card that come from the server when they are first opened.
import { $, $$, guard, toast, words } from "./app.js";
import "./segments.js";

// The fields of a composer, and of what opens on demand, come when they are first opened.
async function fill(panel) {
  const place = $("[data-fields]", panel);
  if (!place || place.dataset.asked) return;
  place.dataset.asked = "1";
  try {
    const response = guard(await fetch(place.dataset.fields, { headers: { "HX-Request": "true" } }));
    if (!response.ok) throw new Error(response.status);
    const html = await response.text();
    if (!place.isConnected) return; // the card was drawn anew meanwhile
    place.insertAdjacentHTML("afterend", html);
    place.remove();
    window.htmx.process(panel);
    // The focus stays on the tab: arrows may go on to the next one.
    document.dispatchEvent(new Event("htmx:afterSettle"));
  } catch {
    delete place.dataset.asked;
    toast(words.noAnswer, "", true);
  }
}

export function select(tab) {
  for (const other of $$('[role="tab"]', tab.parentNode)) {
    const on = other === tab;
    other.setAttribute("aria-selected", on);
    other.tabIndex = on ? 0 : -1;
    const panel = $(`#${other.getAttribute("aria-controls")}`);
    panel.hidden = !on;
    if (on) fill(panel);
  }
}

function choose(tab) {
  select(tab);
  tab.focus();
}

// `toggle` does not bubble.
document.addEventListener("toggle", (event) => {
  if (event.target.matches(".on-demand") && event.target.open) fill(event.target);
}, true);

document.addEventListener("click", (event) => {
  const tab = event.target.closest('.composer [role="tab"]');
  if (tab) choose(tab);
});

document.addEventListener("keydown", (event) => {
  const tab = event.target.closest('.composer [role="tab"]');
  if (!tab || (event.key !== "ArrowRight" && event.key !== "ArrowLeft")) return;
  const all = $$('[role="tab"]', tab.parentNode);
  choose(all[(all.indexOf(tab) + (event.key === "ArrowRight" ? 1 : -1) + all.length) % all.length]);
});
