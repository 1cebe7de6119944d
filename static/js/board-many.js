// Several cards: X or Ctrl+click selects, one dialog or one drag moves them all, one undo takes them back.
import { $, $$, guard, post, say, showToasts, toast, words } from "./app.js";
import { asked, board, columnOf, free, hold, settle, version } from "./board-cards.js";
import { askStage } from "./board-dialogs.js";
import { apply } from "./board-move.js";

const picked = new Set();
export const isPicked = (card) => picked.has(card.dataset.id);
export const pickedCards = () => $$(".kcard", board).filter(isPicked);

// After columns were morphed: marks stand on the cards again, cards that left are forgotten.
export function repick() {
  const here = new Set($$(".kcard", board).map((card) => card.dataset.id));
  for (const id of picked) if (!here.has(id)) picked.delete(id);
  for (const card of $$(".kcard", board)) card.classList.toggle("is-picked", isPicked(card));
  $("#kpicked").hidden = picked.size === 0;
  $("#kpicked-count").textContent = picked.size;
}

export function pick(card) {
  if (!picked.delete(card.dataset.id)) picked.add(card.dataset.id);
  repick();
  say(`${$(".kc-title", card).textContent}: ${isPicked(card) ? words.selected : words.deselected}`);
}

export async function moveMany(cards, column, quiet = false) {
  const data = new URLSearchParams({ to: column.dataset.stage, v: version() });
  for (const card of cards) data.append("id", card.dataset.id);
  if (quiet) data.set("rules", "0");
  for (const card of cards) card.classList.add("is-saving");
  hold();
  try {
    const response = guard(await post(board.dataset.manyUrl + asked, data));
    if (response.status >= 500) throw new Error(response.status);
    const html = await response.text();
    picked.clear();
    apply(html);
    showToasts(html);
  } catch {
    toast(words.notSaved, words.noAnswer, true);
  } finally {
    for (const card of cards) card.classList.remove("is-saving");
    free();
    settle();
  }
}

function moveDialog() {
  const cards = pickedCards();
  if (!cards.length) return;
  const sets = cards.map((card) => columnOf(card).dataset.allow.split(" "));
  const allowed = sets[0].filter((stage) => sets.every((set) => set.includes(stage)));
  const choose = (stage, quiet) => stage && moveMany(cards, $(`#col-${stage}`), quiet);
  askStage(`${cards.length} × ${words.cards}`, allowed, columnOf(cards[0]), choose, true);
}

export function bindPicking() {
  board.addEventListener("click", (event) => {
    const card = event.target.closest(".kcard");
    if (!card || !(event.ctrlKey || event.metaKey || event.shiftKey)) return;
    event.preventDefault();
    pick(card);
  });
  $("#kpicked-move").addEventListener("click", moveDialog);
  $("#kpicked-clear").addEventListener("click", () => (picked.clear(), repick()));
}
