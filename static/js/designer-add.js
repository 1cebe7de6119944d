// "+": the catalogue with its search, over the column; Enter adds the first that fits and opens it.
import { $, $$ } from "./app.js";
import { designer, send } from "./designer-board.js";
import { openPart } from "./designer-panel.js";

let target = null;
let timer = null;

async function find() {
  const query = new URLSearchParams({ q: $("#add-q").value, kind: target.kind === "trigger" ? "trigger" : "action" });
  const response = await fetch(`${designer.dataset.catalogue}?${query}`, { headers: { "HX-Request": "true" } });
  if (!response.ok) return;
  $("#add-found").innerHTML = await response.text();
  for (const entry of $$("#add-found .catalogue-entry")) entry.setAttribute("role", "option");
  // What is placed is told as the draft has it: what was taken out is no longer there.
  for (const row of $$("#add-found [data-part]")) if (!document.getElementById(`part-${row.dataset.part}`)) row.remove();
  const placed = $("#add-found .catalogue-placed");
  if (placed && !$("[data-part]", placed)) placed.remove();
  mark(0);
}

const entries = () => $$("#add-found .catalogue-entry");

function mark(index) {
  entries().forEach((entry, place) => {
    entry.classList.toggle("is-chosen", place === index);
    entry.setAttribute("aria-selected", place === index);
  });
  entries()[index]?.scrollIntoView({ block: "nearest" });
}

async function add(entry) {
  $("#add-dialog").close();
  const answer = await send("do/", { do: "add", type: entry.dataset.type, ...target });
  if (answer?.opened) openPart(answer.opened);
}

export function bindAdding() {
  const dialog = $("#add-dialog");
  const open = (where) => {
    target = where;
    $("#add-q").value = "";
    $("#add-found").replaceChildren();
    dialog.showModal();
    $("#add-q").focus();
    find();
  };
  designer.addEventListener("click", (event) => {
    const button = event.target.closest("[data-add]");
    if (!button) return;
    open({ kind: button.dataset.add, place: button.dataset.place });
  });
  document.addEventListener("designer:add", (event) => open(event.detail));
  $("#add-q").addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(find, 120);
  });
  $("#add-q").addEventListener("keydown", async (event) => {
    const at = entries().findIndex((entry) => entry.classList.contains("is-chosen"));
    if (event.key === "ArrowDown") mark(Math.min(at + 1, entries().length - 1));
    else if (event.key === "ArrowUp") mark(Math.max(at - 1, 0));
    else if (event.key === "Enter") {
      clearTimeout(timer);
      await find(); // what was typed last counts, however fast
      if (entries()[Math.max(at, 0)]) add(entries()[event.target.value ? 0 : Math.max(at, 0)]);
    } else return;
    event.preventDefault();
  });
  dialog.addEventListener("click", (event) => {
    const entry = event.target.closest(".catalogue-entry");
    const placed = event.target.closest("[data-part]");
    if (entry || placed) event.preventDefault();
    if (entry) add(entry);
    else if (placed) (dialog.close(), openPart(placed.dataset.part));
    else if (event.target === dialog) dialog.close();
  });
}
