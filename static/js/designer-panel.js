// The panel of a rule or trigger: each field is in the draft within a second; Escape closes, and nothing typed is lost.
import { $, $$, guard, post, toast } from "./app.js";
import { before, designer, draw, findingsOf, focusPart, may, refresh, send, words } from "./designer-board.js";
import { bindOffer, bindSample, show } from "./designer-sample.js";
import { bind } from "./rule-form.js";

const panel = () => $("#part-panel");
let form = null;
let pending = null;
let line = Promise.resolve();
let busy = 0;
let known = "";

export async function openPart(id) {
  if (!may) return;
  await close();
  const response = guard(await fetch(`${designer.dataset.url}parts/${id}/`));
  if (!response.ok) return draw();
  panel().innerHTML = await response.text();
  form = $("form", panel());
  panel().showModal();
  history.replaceState(null, "", `?open=${id}`);
  bind(panel());
  bindSample();
  told();
  refresh();
  known = typed();
  form.addEventListener("input", later);
  form.addEventListener("change", later);
  form.addEventListener("submit", (event) => (event.preventDefault(), close()));
  $("[name=part-name]", form)?.addEventListener("input", (event) => ($("#part-title").textContent = event.target.value));
}

// What checks say of this one, above its fields: as it was last looked at.
function told() {
  const list = $("#part-findings");
  if (!list) return;
  list.replaceChildren(...findingsOf(form.dataset.id));
  list.hidden = !list.childElementCount;
}
document.addEventListener("designer:checked", told);

function later(event) {
  if (event.target.closest(".part-picker input[data-pick-q]")) return;
  state(words.saving);
  clearTimeout(pending);
  pending = setTimeout(save, 500);
}

function state(text, bad = false) {
  const line = $("#part-state");
  if (!line) return;
  line.textContent = text;
  line.classList.toggle("is-bad", bad);
}

// One at a time: each answer brings the mark by which the next is known to build on it.
function save() {
  clearTimeout(pending);
  pending = null;
  busy += 1;
  line = line.then(sent).finally(() => (busy -= 1));
  return line;
}

// What is typed, without the mark of what it builds on: leaving a field tells of a change that was saved already.
function typed() {
  const data = new URLSearchParams(new FormData(form));
  data.delete("seen");
  return data.toString();
}

async function sent() {
  const said = typed();
  if (said === known) return state(words.saved);
  let response;
  try {
    response = guard(await post(form.action, new URLSearchParams(new FormData(form))));
    if (response.status >= 500) throw new Error(response.status);
  } catch {
    state(words.notSaved, true);
    pending = setTimeout(save, 3000);
    return;
  }
  const answer = await response.json();
  if (response.status === 409) {
    state(answer.sentence, true);
    return toast(answer.sentence, "", true);
  }
  $("[name=seen]", form).value = answer.seen;
  known = said;
  for (const place of $$("[data-fault]", form)) {
    const found = answer.faults[place.dataset.fault];
    place.hidden = !found;
    place.textContent = found ? found.join(" ") : "";
    place.closest(".part-field")?.classList.toggle("is-wrong", Boolean(found));
  }
  state(Object.keys(answer.faults).length ? words.savedWithFaults : words.saved);
  refresh();
  show();
}

export async function close() {
  if (!panel().open) return;
  if (pending) save();
  await line;
  const id = form.dataset.id;
  panel().close();
  panel().replaceChildren();
  history.replaceState(null, "", location.pathname);
  await draw();
  focusPart($(`#part-${CSS.escape(id)}`));
}

if (panel()) bindOffer();
panel()?.addEventListener("cancel", (event) => (event.preventDefault(), close()));
panel()?.addEventListener("click", (event) => {
  const mend = event.target.closest("[data-mend]");
  if (mend) {
    const { id } = form.dataset;
    close().then(() => send("do/", { do: "mend", check: mend.dataset.mend, where: mend.dataset.where }).then(() => $(`#part-${CSS.escape(id)}`) && openPart(id)));
  } else if (event.target.closest("[data-another]")) another();
  else if (event.target === panel() || event.target.closest("[data-cancel]")) {
    event.stopPropagation();
    close();
  }
});
// The next one at the same place, without a way round the board.
async function another() {
  const { id } = form.dataset;
  await close();
  const card = $(`#part-${CSS.escape(id)}`);
  const where = card && { kind: "rule", place: card.closest(".dlist").dataset.place, before: before(card) };
  if (where) document.dispatchEvent(new CustomEvent("designer:add", { detail: where }));
}
panel()?.addEventListener("keydown", (event) => {
  if (event.key !== "Enter" || !(event.ctrlKey || event.metaKey) || !$("[data-another]", panel())) return;
  event.preventDefault();
  another();
});
panel()?.addEventListener("input", (event) => {
  if (!event.target.matches("[data-pick-q]")) return;
  const wanted = event.target.value.toLowerCase();
  for (const button of $$(".part-fields [data-insert]", panel())) button.hidden = !button.textContent.toLowerCase().includes(wanted);
});
addEventListener("beforeunload", (event) => {
  if (pending || busy) (save(), event.preventDefault());
});
