// Cards and columns: where they are, how they go back, which one has the focus, and whether a hand is on them.
import { $, $$ } from "./app.js";

export const board = $("#board");
// The board's own filter: the address shows the card's while the panel is open.
export const asked = location.search;
let busy = 0;
export const hold = () => busy++;
export const free = () => busy--;
export const isBusy = () => busy > 0 || $$("dialog[open]:not(#card-panel)").length > 0;
export const settle = () => document.dispatchEvent(new Event("crm:settle"));

export const version = () => $("#board-version").dataset.v;
export const columnOf = (card) => card.closest(".kcol");
export const snap = (card) => ({ card, parent: card.parentNode, next: card.nextElementSibling });

export function emptyMarks() {
  for (const column of $$(".kcol", board)) $(".kempty", column).hidden = !!$(".kcard", column);
}

export function rollback({ card, parent, next }) {
  parent.insertBefore(card, next && next.parentNode === parent ? next : null);
  card.classList.add("is-back");
  setTimeout(() => card.classList.remove("is-back"), 900);
  emptyMarks();
}

export function focusCard(card) {
  if (!card || !card.isConnected) return;
  for (const other of $$('.kcard[tabindex="0"]')) other.tabIndex = -1;
  card.tabIndex = 0;
  card.focus({ preventScroll: true });
  card.scrollIntoView({ block: "nearest", inline: "nearest" });
}
