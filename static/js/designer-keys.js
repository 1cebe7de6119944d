// The board of rules by keyboard: a roving focus; Space picks up and drops; each place is spoken.
import { $, $$, say } from "./app.js";
import { draw, focusPart, listOf, may, moved, words } from "./designer-board.js";

let grabbed = null;
const cards = (list) => $$(".dcard", list);

function spoken(card) {
  const own = cards(listOf(card));
  const column = card.closest(".dcol").dataset.name;
  const values = [card.getAttribute("aria-label"), own.indexOf(card) + 1, own.length, column];
  return words.of.replace(/%(\d)/g, (_all, number) => values[number - 1]);
}

function place(card, list, index) {
  const others = cards(list).filter((one) => one !== card);
  list.insertBefore(card, others[index] || null);
  focusPart(card);
  say(spoken(card));
}

function grab(card) {
  if (!may) return;
  grabbed = card;
  card.classList.add("is-grabbed");
  say(`${card.getAttribute("aria-label")} ${words.grabbed}`);
}

function release(card) {
  grabbed = null;
  card.classList.remove("is-grabbed");
}

export function bindKeys(designer, acts) {
  const first = $(".dcard", designer);
  if (first) first.tabIndex = 0;
  designer.addEventListener("focusin", (event) => event.target.matches(".dcard") && !grabbed && say(spoken(event.target)));
  document.addEventListener("keydown", (event) => {
    const free = !event.target.closest("dialog, input, textarea, select");
    if (may && free && (event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "z") {
      event.preventDefault();
      acts.step(event.shiftKey ? "redo" : "undo");
    }
  });
  designer.addEventListener("keydown", (event) => {
    const card = event.target;
    if (!card.matches(".dcard")) return;
    const lists = $$(".dlist", designer).filter((list) => !grabbed || list.dataset.kind === card.dataset.kind);
    const own = cards(listOf(card));
    const index = own.indexOf(card);
    const at = lists.indexOf(listOf(card));
    const hop = (step) => {
      for (let next = at + step; next >= 0 && next < lists.length; next += step) {
        const found = cards(lists[next]);
        if (found.length) return focusPart(found[Math.min(index, found.length - 1)]);
      }
    };
    const aside = (step) => lists[at + step] && place(card, lists[at + step], Math.min(index, cards(lists[at + step]).length));
    const holding = {
      ArrowUp: () => index > 0 && place(card, listOf(card), index - 1),
      ArrowDown: () => index < own.length - 1 && place(card, listOf(card), index + 1),
      ArrowRight: () => aside(1),
      ArrowLeft: () => aside(-1),
      " ": () => (release(card), moved(card, event.shiftKey).then(() => focusPart($(`#${card.id}`)))),
      Enter: () => (release(card), moved(card).then(() => focusPart($(`#${card.id}`)))),
      Escape: () => (release(card), draw().then(() => focusPart($(`#${card.id}`)))),
    };
    const walking = {
      ArrowDown: () => (own[index + 1] ? focusPart(own[index + 1]) : hop(1)),
      ArrowUp: () => (own[index - 1] ? focusPart(own[index - 1]) : hop(-1)),
      ArrowRight: () => hop(card.dataset.kind === "trigger" ? 2 : 1),
      ArrowLeft: () => hop(card.dataset.kind === "trigger" ? -1 : -2),
      Home: () => focusPart(own[0]),
      End: () => focusPart(own.at(-1)),
      Enter: () => acts.open(card.dataset.id),
      " ": () => grab(card),
      m: () => may && acts.placeOf(card.dataset.id),
      d: () => may && acts.copy(card.dataset.id),
      x: () => may && (acts.choose(card.dataset.id), say(spoken(card))),
      Delete: () => {
        const next = own[index + 1] || own[index - 1];
        if (may) acts.remove(card.dataset.id).then(() => next && focusPart($(`#${next.id}`)));
      },
    };
    const act = (grabbed ? holding : walking)[event.key];
    if (!act || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    act();
  });
}
