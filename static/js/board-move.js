// One move: optimistic, one request, rolled back with words if it is refused; the dialog for what is missing.
import { $, $$, guard, post, say, showToasts, toast, words } from "./app.js";
import { asked, board, columnOf, emptyMarks, focusCard, free, hold, rollback, settle, version } from "./board-cards.js";

// Columns that came from the server, morphed in; cards that others moved glow for a moment.
// While a card is in the hand nothing is: a swap would pull it out, so the columns are asked for again when it is down.
export function apply(html) {
  if (document.body.classList.contains("dragging")) {
    document.dispatchEvent(new Event("crm:refresh"));
    return;
  }
  const known = new Map($$(".kcard", board).map((card) => [card.id, columnOf(card)?.id]));
  window.htmx.swap(board, html, { swapStyle: "none" });
  for (const card of $$(".kcard", board)) {
    if (known.get(card.id) !== columnOf(card).id) {
      card.classList.add("is-new");
      setTimeout(() => card.classList.remove("is-new"), 3000);
    }
  }
  emptyMarks();
  document.dispatchEvent(new Event("crm:applied"));
}

// `extra` is what the dialog added. Resolves when the card stands where it belongs.
export async function commit(card, was, extra = null) {
  const column = columnOf(card);
  const data = new URLSearchParams({
    id: card.dataset.id,
    to: column.dataset.stage,
    before: card.nextElementSibling?.dataset.id || "",
    seen: card.dataset.seen,
    v: version(),
    key: crypto.randomUUID ? crypto.randomUUID() : `${Date.now()}-${Math.random()}`,
  });
  if (extra) for (const [name, value] of extra) data.append(name, value);
  card.classList.add("is-saving");
  hold();
  emptyMarks();
  try {
    const response = guard(await post(board.dataset.moveUrl + asked, data));
    const html = await response.text();
    if (response.ok) {
      $("#ask-dialog").close();
      apply(html);
      showToasts(html);
      say(`${$(".kc-title", card).textContent} ${words.moved} ${column.dataset.name}`);
    } else if (response.headers.get("X-Needs")) {
      ask(html, card, was);
    } else if (response.status < 500) {
      rollback(was);
      showToasts(html);
      if (response.status === 409) apply(html);
    } else throw new Error(response.status);
  } catch {
    rollback(was);
    toast(words.notSaved, words.noAnswer, true);
  } finally {
    card.classList.remove("is-saving");
    free();
    settle();
  }
}

// The stage needs more: filling the dialog makes the move, cancelling puts the card back.
function ask(html, card, was) {
  const dialog = $("#ask-dialog");
  dialog.innerHTML = html;
  if (!dialog.open) dialog.showModal();
  const wrong = $(".has-error input, .has-error select", dialog);
  (wrong || $("input:not([type=hidden]), select, textarea", dialog))?.focus();
  let sent = false;
  $("form", dialog).addEventListener("submit", (event) => {
    event.preventDefault();
    if (sent) return;
    sent = true;
    commit(card, was, new FormData(event.target));
  });
  dialog.onclose = () => {
    dialog.onclose = null;
    if (sent) return;
    rollback(was);
    say(words.back);
    focusCard(card);
    settle();
  };
}
