// The board of rules: drag, switches, dialogs.
import { $, $$, toast } from "./app.js";
import { bindAdding } from "./designer-add.js";
import { designer, focusPart, may, moved, refresh, send, settled, words } from "./designer-board.js";
import { bindKeys } from "./designer-keys.js";
import { bindMany, choose, chooseNone, meant, placeDialog } from "./designer-many.js";
import { openPart } from "./designer-panel.js";

function bindLists() {
  if (!may) return;
  for (const list of $$(".dlist", designer)) {
    list.sortable ??= new window.Sortable(list, {
      group: list.dataset.kind,
      draggable: ".dcard",
      handle: ".dcard-grip",
      animation: 140,
      forceFallback: true,
      fallbackOnBody: true,
      fallbackTolerance: 4,
      scroll: true,
      bubbleScroll: true,
      emptyInsertThreshold: 40,
      ghostClass: "is-ghost",
      dragClass: "is-drag",
      onEnd: (event) => {
        if (event.from === event.to && event.oldDraggableIndex === event.newDraggableIndex) return;
        moved(event.item, event.originalEvent?.shiftKey);
      },
    });
  }
}

async function turn(box) {
  const path = `parts/${box.dataset.switch}/switch/`;
  const { checked } = box;
  const answer = await send(path, { on: checked ? "1" : "0" });
  if (answer && !answer.ask) toast(checked ? words.switchedOn : words.switchedOff);
  if (!answer?.ask) return;
  if (confirm(`${words.sure} ${answer.ask}`)) await send(path, { on: "0", sure: "1" });
  else box.checked = true;
}

async function publishDialog(html = null) {
  const dialog = $("#publish-dialog");
  await settled();
  dialog.innerHTML = html ?? (await (await fetch(`${designer.dataset.url}publish/`)).text());
  if (!dialog.open) dialog.showModal();
  $("form", dialog).addEventListener("submit", async (event) => {
    event.preventDefault();
    const answer = await send("publish/", Object.fromEntries(new FormData(event.target)));
    if (answer?.html) publishDialog(answer.html);
    else if (answer) dialog.close();
  });
}

const acts = {
  open: (id) => openPart(id),
  copy: async (id) => {
    const answer = await send("do/", { do: "copy", ids: meant(id) });
    chooseNone();
    if (answer?.opened) focusPart($(`#part-${CSS.escape(answer.opened)}`));
  },
  remove: (id) => send("do/", { do: "remove", ids: meant(id) }).then(chooseNone),
  choose: (id) => choose(id),
  placeOf: (id) => placeDialog(meant(id)),
  step: (way) => send(`${way}/`),
  discard: () => confirm(words.discard) && send("discard/"),
  publish: () => publishDialog(),
  mend: (check, button) => send("do/", { do: "mend", check, where: button.dataset.where }),
  newSet: () => {
    const name = prompt(words.setName);
    if (name) send("do/", { do: "add-set", name });
  },
  removeSet: (place) => send("do/", { do: "remove-set", place }),
};

if (designer) {
  bindLists();
  bindKeys(designer, acts);
  document.addEventListener("designer:shown", bindLists);
  refresh();
  if (may) (bindAdding(), bindMany());
  designer.addEventListener("click", (event) => {
    for (const name of Object.keys(acts)) {
      const attribute = `data-${name.replace(/[A-Z]/g, (sign) => `-${sign.toLowerCase()}`)}`;
      const button = event.target.closest(`[${attribute}]`);
      if (button && (may || name === "open")) return acts[name](button.getAttribute(attribute), button);
    }
  });
  // The whole card opens, not its name alone.
  designer.addEventListener("click", (event) => {
    const card = event.target.closest(".dcard-body")?.closest(".dcard");
    if (card && may && !event.defaultPrevented && !event.target.closest("button, a")) openPart(card.dataset.id);
  });
  designer.addEventListener("change", (event) => event.target.dataset.switch && turn(event.target));
  const stage = new URLSearchParams(location.search).get("stage");
  if (stage) document.getElementById(`dcol-stage-${stage}`)?.scrollIntoView({ inline: "start", block: "nearest" });
  if (designer.dataset.start && may) openPart(designer.dataset.start);
}
