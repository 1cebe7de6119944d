// The board: drag by mouse and touch, live columns, totals.
import { $, $$ } from "./app.js";
import { asked, board, columnOf, emptyMarks, free, hold, isBusy, rollback, settle, version } from "./board-cards.js";
import { bindDialogs } from "./board-dialogs.js";
import { bindKeys } from "./board-keys.js";
import { apply, commit } from "./board-move.js";
import { bindPicking, isPicked, moveMany, pickedCards, repick } from "./board-many.js";
import { dropped } from "./board-zones.js";
import { bindPanel } from "./board-panel.js";
import { poll } from "./live.js";

let before = null;

function dim(card) {
  const allowed = columnOf(card)?.dataset.allow?.split(" ") || [];
  for (const column of $$(".kcol", board)) column.classList.toggle("is-forbidden", !allowed.includes(column.dataset.stage));
}

function bindLists() {
  for (const zone of $$(".kzone")) {
    zone.sortable ??= new window.Sortable(zone, { group: { name: "cards", pull: false }, draggable: ".kcard", filter: ".kz-name" });
  }
  for (const list of $$(".klist", board)) {
    if (list.sortable) continue;
    list.sortable = new window.Sortable(list, {
      group: "cards",
      draggable: ".kcard",
      animation: 140,
      delay: 180, // else a phone could not scroll
      delayOnTouchOnly: true,
      touchStartThreshold: 6,
      fallbackTolerance: 4,
      forceFallback: true,
      fallbackOnBody: true,
      scroll: true,
      bubbleScroll: true,
      scrollSensitivity: 90,
      scrollSpeed: 12,
      emptyInsertThreshold: 60,
      filter: ".kc-menu",
      preventOnFilter: false,
      ghostClass: "is-ghost",
      dragClass: "is-drag",
      revertOnSpill: true,
      onStart: (event) => {
        hold();
        document.body.classList.add("dragging");
        before = { card: event.item, parent: event.from, next: event.item.nextElementSibling };
        dim(event.item);
      },
      onEnd: (event) => {
        free();
        document.body.classList.remove("dragging");
        for (const column of $$(".is-forbidden", board)) column.classList.remove("is-forbidden");
        if (event.to.dataset.zone) {
          rollback(before);
          return dropped(event.to.dataset.zone, event.item);
        }
        if (isPicked(event.item) && pickedCards().length > 1) {
          const target = columnOf(event.item);
          rollback(before);
          return moveMany(pickedCards(), target);
        }
        const same = event.from === event.to && event.oldDraggableIndex === event.newDraggableIndex;
        if (same) settle();
        else commit(event.item, before);
      },
    });
  }
}

const totalsShow = $("#totals-show");
let totalsTimer = null;
function loadTotals() {
  clearTimeout(totalsTimer);
  totalsTimer = setTimeout(async () => {
    const query = new URLSearchParams(asked);
    if (totalsShow.value) query.set("show", totalsShow.value);
    const response = await fetch(`${board.dataset.totalsUrl}?${query}`, { headers: { "HX-Request": "true" } });
    if (response.ok) window.htmx.swap(board, await response.text(), { swapStyle: "none" });
  }, 120);
}

function refreshed() {
  bindLists();
  repick();
  emptyMarks();
  loadTotals();
}

if (board) {
  bindLists();
  bindKeys(board);
  bindDialogs();
  bindPicking();
  bindPanel();
  totalsShow.value = localStorage.getItem("totals") === "weighted" ? "weighted" : "";
  totalsShow.addEventListener("change", () => (localStorage.setItem("totals", totalsShow.value), loadTotals()));
  loadTotals();
  const ask = () => {
    const query = new URLSearchParams(asked);
    query.set("v", version());
    return `${board.dataset.liveUrl}?${query}`;
  };
  const live = poll({ every: 2000, busy: isBusy, ask, onChange: apply });
  document.addEventListener("crm:settle", live.settle);
  document.addEventListener("crm:applied", refreshed);
  document.body.addEventListener("htmx:afterSettle", () => (bindLists(), emptyMarks()));
  for (const tab of $$("#kb-tabs button")) {
    tab.addEventListener("click", () => $(`#col-${tab.dataset.to}`).scrollIntoView({ inline: "start", block: "nearest" }));
  }
}
