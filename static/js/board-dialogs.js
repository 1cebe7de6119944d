// Move to… (for the keyboard, for screen readers, for a thumb) and the new item.
import { $, $$, guard, post, toast, words } from "./app.js";
import { board, columnOf, focusCard, snap } from "./board-cards.js";
import { commit } from "./board-move.js";

// Asks for a stage, with what a drop there will do; `then(stage id, without rules)` hears of a choice.
export function askStage(what, allowed, here, then, many = false) {
  const dialog = $("#move-dialog");
  const select = $("#move-stage");
  const quiet = $("#move-quiet-line");
  // One card is offered every stage but its own; the next one that it may go to stands ready.
  const columns = $$(".kcol", board);
  const offered = columns.filter((column) => many || column !== here);
  const after = offered.filter((column) => allowed.includes(column.dataset.stage) && columns.indexOf(column) > columns.indexOf(here));
  select.replaceChildren(
    ...offered.map((column) => {
      const option = new Option(column.dataset.name, column.dataset.stage, false, column === (many ? here : after[0]));
      option.disabled = !allowed.includes(column.dataset.stage);
      return option;
    }),
  );
  const hint = () => {
    $("#move-hint").textContent = $(`#col-${select.value}`).dataset.hint;
    if (quiet) quiet.hidden = !many || !$("#move-hint").textContent;
  };
  select.onchange = hint;
  hint();
  $("#move-what").textContent = what;
  dialog.returnValue = "";
  dialog.showModal();
  dialog.onclose = () => {
    dialog.onclose = null;
    then(dialog.returnValue === "ok" ? select.value : null, Boolean(quiet && !quiet.hidden && $("#move-quiet").checked));
  };
}

export function moveDialog(card) {
  const here = columnOf(card);
  askStage($(".kc-title", card).textContent, here.dataset.allow.split(" "), here, (stage) => {
    const list = stage && $(`#l-${stage}`);
    if (!list || list === card.parentNode) return focusCard(card);
    const was = snap(card);
    list.prepend(card);
    commit(card, was).then(() => focusCard($(`#${card.id}`)));
  });
}

export function bindDialogs() {
  const dialog = $("#new-dialog");
  document.addEventListener("click", (event) => {
    const move = event.target.closest("[data-move]");
    if (move) return moveDialog(move.closest(".kcard"));
    const button = event.target.closest("[data-new]");
    if (!button) return;
    if (button.dataset.stage) $("[name=stage]", dialog).value = button.dataset.stage;
    dialog.showModal();
    $("[name=title]", dialog).focus();
  });
  let waiting = null;
  dialog.addEventListener("input", (event) => {
    if (event.target.name !== "customer") return;
    const chosen = $$("#customers option").find((option) => option.value === event.target.value);
    $("[name=customer_id]", dialog).value = chosen ? chosen.dataset.contact : "";
    if (chosen) return;
    clearTimeout(waiting);
    waiting = setTimeout(async () => {
      const query = new URLSearchParams({ customer: event.target.value });
      const response = await fetch(`${$("form", dialog).dataset.suggest}?${query}`, { headers: { "HX-Request": "true" } });
      if (response.ok) $("#customers").innerHTML = await response.text();
    }, 200);
  });
  dialog.addEventListener("submit", async (event) => {
    event.preventDefault();
    const form = event.target;
    if (form.dataset.sending) return; // a double click makes one
    form.dataset.sending = "1";
    try {
      const response = guard(await post(form.action, new URLSearchParams(new FormData(form))));
      if (response.status === 204) {
        form.reset();
        dialog.close();
        document.dispatchEvent(new Event("crm:refresh"));
      } else dialog.innerHTML = await response.text();
    } catch {
      toast(words.notSaved, words.noAnswer, true);
    } finally {
      delete form.dataset.sending;
    }
  });
}
