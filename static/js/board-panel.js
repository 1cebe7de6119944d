// A card opens beside the board: the address changes with it, Back and Escape close it, the focus returns.
import { $, guard, toast, words } from "./app.js";
import { board, focusCard } from "./board-cards.js";

const panel = () => $("#card-panel");
const home = location.pathname + location.search;
const isCard = () => /^\/items\/\d+\/$/.test(location.pathname);
let from = null;

async function show(url) {
  let response;
  try {
    // The card's script first: a tab that is clicked before it has come would do nothing.
    const card = fetch(url, { headers: { "HX-Request": "true" } });
    [response] = await Promise.all([card, import(document.body.dataset.itemScript)]);
  } catch {
    if (!panel().open) history.replaceState(null, "", home);
    return toast(words.noAnswer, "", true);
  }
  if (!guard(response).ok) return location.assign(url);
  panel().innerHTML = await response.text();
  window.htmx.process(panel());
  if (!panel().open) panel().showModal();
}

export function openCard(card) {
  from = card;
  const url = $(".kc-title", card).getAttribute("href");
  history.pushState(null, "", url);
  show(url);
}

// What is half written goes with the panel: that is asked about first.
function leave() {
  if (!$("form[data-touched]", panel()) || confirm(words.unsaved)) panel().close();
}

export function bindPanel() {
  board.addEventListener("click", (event) => {
    const title = event.target.closest(".kc-title");
    if (!title || event.ctrlKey || event.metaKey || event.shiftKey || event.button) return;
    if (matchMedia("(max-width: 767px)").matches) return; // a phone shows the page itself
    event.preventDefault();
    openCard(title.closest(".kcard"));
  });
  panel().addEventListener("close", () => {
    panel().replaceChildren();
    if (isCard()) history.replaceState(null, "", home);
    document.dispatchEvent(new Event("crm:refresh"));
    if (from) focusCard($(`#${from.id}`) || from);
  });
  panel().addEventListener("click", (event) => {
    if (event.target === panel() || event.target.closest(".card-back")) (event.preventDefault(), leave());
  });
  panel().addEventListener("cancel", (event) => (event.preventDefault(), leave()));
  addEventListener("popstate", () => {
    if (isCard()) show(location.pathname);
    else if (panel().open) panel().close();
  });
}
