// Move to… (for the keyboard, for screen readers, for a thumb) and the new item.
import { $, $$, guard, post } from "./app.js";
import { board, columnOf, focusCard, snap } from "./board-cards.js";
import { commit } from "./board-move.js";

export function moveDialog(card) {
  const dialog = $("#move-dialog");
  const select = $("#move-stage");
  const here = columnOf(card);
  const allowed = here.dataset.allow.split(" ");
  select.replaceChildren(
    ...$$(".kcol", board).map((column) => {
      const option = new Option(column.dataset.name, column.dataset.stage, false, column === here);
      option.disabled = !allowed.includes(column.dataset.stage);
      return option;
    }),
  );
  const hint = () => ($("#move-hint").textContent = $(`#col-${select.value}`).dataset.hint);
  select.onchange = hint;
  hint();
  $("#move-what").textContent = $(".kc-title", card).textContent;
  dialog.returnValue = "";
  dialog.showModal();
  dialog.onclose = () => {
    dialog.onclose = null;
    const list = $(`#l-${select.value}`);
    if (dialog.returnValue !== "ok" || list === card.parentNode) return focusCard(card);
    const was = snap(card);
    list.prepend(card);
    commit(card, was).then(() => focusCard($(`#${card.id}`)));
  };
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
  dialog.addEventListener("submit", async (event) => {
    event.preventDefault();
    const response = guard(await post(event.target.action, new URLSearchParams(new FormData(event.target))));
    if (response.status === 204) {
      event.target.reset();
      dialog.close();
      document.dispatchEvent(new Event("crm:refresh"));
    } else dialog.innerHTML = await response.text();
  });
}
