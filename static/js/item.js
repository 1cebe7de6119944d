// The card, as a page of its own or in the board's side panel: live refresh that never disturbs typing, the stage bar
// with its dialog, fields edited where they stand, what is half written.
import { $, $$, guard, post, showToasts, toast, words } from "./app.js";
import { select } from "./composer.js";
import "./lines.js";
import { poll } from "./live.js";
import "./mentions.js";
import "./rich.js";

const card = () => $("#item-page");

const typing = () =>
  !card() ||
  $("form[data-touched]", card()) ||
  document.activeElement?.closest("#item-page .on-demand[open]") ||
  $$("dialog[open]").some((dialog) => !dialog.contains(card())) ||
  (/INPUT|TEXTAREA|SELECT/.test(document.activeElement?.tagName) && card().contains(document.activeElement)) ||
  $$("#item-page textarea").some((area) => area.value.trim() !== "") ||
  $("#item-page trix-editor:focus-within") ||
  $(".one-field", card()) ||
  location.pathname.endsWith("/edit/");

async function reload() {
  const response = guard(await fetch(card().dataset.liveUrl, { headers: { "HX-Request": "true" } }));
  if (!response.ok) return;
  const kept = keepTouched();
  window.htmx.swap(card(), await response.text(), { swapStyle: "outerHTML" });
  putBack(kept);
}

// What is half written outlives a card that is drawn anew because of something else on it.
// Somebody may have typed before this script had come: then the values tell.
const isTouched = (form) =>
  "touched" in form.dataset || $$("textarea, input:not([type=hidden])", form).some((field) => field.value !== field.defaultValue);
const keepTouched = (sent) => $$("form", card()).filter((form) => form !== sent && isTouched(form));

function putBack(forms) {
  for (const form of forms) {
    const action = form.getAttribute("action");
    const empty = $(`[data-fields="${action}"]`, card());
    const fresh = $$("form", card()).find((other) => (form.id ? other.id === form.id : other.getAttribute("action") === action));
    if (fresh) {
      const shown = !form.hidden;
      fresh.replaceWith(form);
      if (form.matches('[role="tabpanel"]') && shown) select($(`#${form.getAttribute("aria-labelledby")}`));
    } else if (empty) {
      empty.replaceWith(form);
      form.closest("details").open = true;
    }
  }
}

// Boosted forms of the card draw it anew too.
let kept = [];
document.addEventListener("htmx:beforeSwap", (event) => {
  const { boosted, target, xhr } = event.detail;
  // A link to another page (a task, the pipeline's rules) has no card in its answer: nothing would be left of this one.
  if (boosted && target?.id === "item-page" && xhr.status < 400 && !xhr.responseText.includes('id="item-page"')) {
    event.preventDefault();
    return location.assign(xhr.responseURL);
  }
  if (event.detail.target?.id === "item-page") kept = keepTouched(event.detail.requestConfig?.elt?.closest?.("form"));
});
document.addEventListener("htmx:afterSwap", (event) => {
  if (event.detail.elt?.id === "item-page" || event.target.id === "item-page") (putBack(kept), (kept = []));
});

// Before the page goes with something half written on it, the browser asks.
document.addEventListener("submit", (event) => delete event.target.dataset.touched, true);
window.addEventListener("beforeunload", (event) => {
  if (card() && $("form[data-touched]", card())) event.preventDefault();
});

let moving = false;
async function move(form, data) {
  if (moving) return; // the second click of two
  moving = true;
  try {
    const response = guard(await post(form.action, data));
    const html = await response.text();
    const dialog = $("#ask-dialog");
    if (response.headers.get("X-Needs")) {
      dialog.innerHTML = html;
      if (!dialog.open) dialog.showModal();
      $("form", dialog).addEventListener("submit", (event) => {
        event.preventDefault();
        const more = new URLSearchParams(data);
        for (const name of ["asked", ...new FormData(event.target).keys()]) more.delete(name);
        for (const [name, value] of new FormData(event.target)) more.append(name, value);
        move(form, more);
      });
    } else {
      dialog.close();
      showToasts(html);
      if (response.ok) await reload();
      document.dispatchEvent(new Event("crm:refresh"));
    }
  } catch {
    toast(words.notSaved, words.noAnswer, true);
  } finally {
    moving = false;
  }
}

document.addEventListener("submit", (event) => {
  if (event.target.id !== "stagebar") return;
  event.preventDefault();
  event.stopImmediatePropagation();
  const data = new URLSearchParams(new FormData(event.target));
  data.set("to", event.submitter.value);
  data.set("key", crypto.randomUUID());
  move(event.target, data);
}, true);

// What somebody has begun to type stays until it is sent, wherever they look meanwhile.
document.addEventListener("input", (event) => {
  const form = event.target.form;
  if (form && card()?.contains(form)) form.dataset.touched = "";
});

document.addEventListener("click", (event) => {
  const show = event.target.closest("[data-show]");
  if (show) for (const other of $$("[data-show]")) other.setAttribute("aria-pressed", other === show);
});

document.addEventListener("keydown", (event) => {
  const field = event.target.closest(".one-field");
  if (field && event.key === "Escape") {
    event.preventDefault(); // the panel stays open
    event.stopPropagation();
    $("[data-leave]", field)?.click();
  }
}, true);

document.body.addEventListener("htmx:afterSettle", (event) => {
  const input = event.target.matches?.(".fieldvalue") && $(".one-field .field input, .one-field .field select, .one-field .field textarea", event.target);
  if (input) input.focus();
  else if (event.target.matches?.(".fieldvalue") && !$(".one-field", event.target)) $(".inline-edit", event.target)?.focus();
});

poll({
  every: 3000,
  busy: typing,
  ask: () => `${card().dataset.liveUrl}?v=${card().dataset.state}`,
  onChange: (html) => window.htmx.swap(card(), html, { swapStyle: "morph:outerHTML" }),
});
