// The board by keyboard: a roving focus, Space picks up and drops, M opens the move dialog.
import { $, $$, say, words } from "./app.js";
import { columnOf, emptyMarks, focusCard, free, hold, rollback, snap } from "./board-cards.js";
import { moveDialog } from "./board-dialogs.js";
import { pick } from "./board-many.js";
import { commit } from "./board-move.js";

let grabbed = null;
const cards = (list) => $$(".kcard", list);

function place(card, list, index) {
  const others = cards(list).filter((other) => other !== card);
  list.insertBefore(card, others[index] || null);
  focusCard(card);
  emptyMarks();
  say(`${columnOf(card).dataset.name}, ${words.position} ${Math.min(index, others.length) + 1} / ${others.length + 1}`);
}

function grab(card) {
  hold();
  grabbed = snap(card);
  card.classList.add("is-grabbed");
  say(`${$(".kc-title", card).textContent} ${words.grabbed}`);
}

function release(card) {
  const was = grabbed;
  grabbed = null;
  free();
  card.classList.remove("is-grabbed");
  return was;
}

function drop(card) {
  const was = release(card);
  if (was.parent === card.parentNode && was.next === card.nextElementSibling) return;
  commit(card, was).then(() => focusCard($(`#${card.id}`)));
}

function cancel(card) {
  rollback(release(card));
  focusCard(card);
  say(words.back);
}

export function bindKeys(board) {
  const lists = () => $$(".klist", board);
  const first = $(".kcard", board);
  if (first) first.tabIndex = 0;
  const hop = (from, step, index) => {
    const all = lists();
    for (let at = from + step; at >= 0 && at < all.length; at += step) {
      const found = cards(all[at]);
      if (found.length) return focusCard(found[Math.min(index, found.length - 1)]);
    }
  };
  board.addEventListener("keydown", (event) => {
    if (event.target.matches(".klist") && event.key === "ArrowDown") {
      event.preventDefault();
      return focusCard($(".kcard", event.target));
    }
    const card = event.target.closest(".kcard");
    if (!card || event.target !== card) return;
    const all = lists();
    const at = all.indexOf(card.parentNode);
    const own = cards(card.parentNode);
    const index = own.indexOf(card);
    const aside = (step) => {
      const list = all[at + step];
      if (list) place(card, list, Math.min(index, cards(list).length));
    };
    const holding = {
      ArrowUp: () => index > 0 && place(card, card.parentNode, index - 1),
      ArrowDown: () => index < own.length - 1 && place(card, card.parentNode, index + 1),
      ArrowRight: () => aside(1),
      ArrowLeft: () => aside(-1),
      " ": () => drop(card),
      Enter: () => drop(card),
      Escape: () => cancel(card),
      Tab: () => cancel(card),
    };
    const walking = {
      ArrowDown: () => focusCard(own[index + 1]),
      ArrowUp: () => focusCard(own[index - 1]),
      Home: () => focusCard(own[0]),
      End: () => focusCard(own.at(-1)),
      ArrowRight: () => hop(at, 1, index),
      ArrowLeft: () => hop(at, -1, index),
      Enter: () => $(".kc-title", card).click(),
      " ": () => grab(card),
      m: () => moveDialog(card),
      x: () => pick(card),
    };
    const act = (grabbed ? holding : walking)[event.key];
    if (!act) return;
    if (event.key !== "Tab") event.preventDefault();
    act();
  });
}
