// Where a card can be dropped besides columns: won, lost, another pipeline, the bin.
import { $, guard, post, showToasts, toast, words } from "./app.js";
import { board, focusCard, settle, snap } from "./board-cards.js";
import { commit } from "./board-move.js";

const refresh = () => document.dispatchEvent(new Event("crm:refresh"));

function toKind(kind, card) {
  const was = snap(card);
  const column = $(`.kcol[data-kind="${kind}"]`, board);
  if (!column) return settle();
  $(".klist", column).prepend(card);
  commit(card, was);
}

function remove(card) {
  const dialog = $("#sure-dialog");
  $("#sure-what").textContent = $(".kc-title", card).textContent;
  dialog.returnValue = "";
  dialog.showModal();
  dialog.onclose = async () => {
    dialog.onclose = null;
    if (dialog.returnValue !== "ok") return focusCard(card);
    const response = guard(await post(`/items/${card.dataset.id}/delete/`, new URLSearchParams()).catch(() => ({ status: 500 })));
    if (response.status >= 400) toast(words.notSaved, words.noAnswer, true);
    refresh();
  };
}

async function transfer(card) {
  const dialog = $("#ask-dialog");
  const url = `/items/${card.dataset.id}/transfer/`;
  const show = (html) => {
    dialog.innerHTML = html;
    if (!dialog.open) dialog.showModal();
    $("form", dialog).addEventListener("submit", async (event) => {
      event.preventDefault();
      const response = guard(await post(url, new URLSearchParams(new FormData(event.target))));
      if (response.status === 204) (dialog.close(), refresh());
      else if (response.status === 422) show(await response.text());
      else showToasts(await response.text());
    });
  };
  show(await (await fetch(url, { headers: { "HX-Request": "true" } })).text());
  dialog.onclose = () => ((dialog.onclose = null), focusCard(card), settle());
}

// The card stands where it was picked up again.
export function dropped(zone, card) {
  if (zone === "won" || zone === "lost") toKind(zone, card);
  else if (zone === "delete") remove(card);
  else transfer(card);
}
