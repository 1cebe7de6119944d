// Several rules or triggers at once, and the dialog that asks where to: another stage, a set, another pipeline.
import { $, $$, guard, post, toast } from "./app.js";
import { designer, focusPart, listOf, send, settled, show, words } from "./designer-board.js";

const chosen = new Set();
let opened = 0;

function paint() {
  for (const card of $$(".dcard", designer)) {
    const on = chosen.has(card.dataset.id);
    card.classList.toggle("is-chosen", on);
    card.setAttribute("aria-current", on);
  }
  const bar = $("#designer-many");
  bar.hidden = !chosen.size;
  $("#many-count").textContent = chosen.size ? words.chosen.replace("%1", chosen.size) : "";
}

export function choose(id) {
  if (chosen.has(id)) chosen.delete(id);
  else chosen.add(id);
  paint();
}

export function chooseNone() {
  chosen.clear();
  paint();
}

// What a gesture on one card is about: all that are chosen, where it is one of them.
export const meant = (id) => (chosen.has(id) ? [...chosen] : [id]);

async function ask(pipeline = "") {
  const address = pipeline ? designer.dataset.url.replace(/\d+\/$/, `${pipeline}/`) : designer.dataset.url;
  const answer = guard(await fetch(`${address}places/`));
  if (!answer.ok) throw new Error(answer.status);
  return answer.json();
}

function offer(places, triggers) {
  $("#place-to").replaceChildren(
    ...places.filter(({ key }) => !triggers || key.startsWith("stage-")).map(({ key, name }) => new Option(name, key)),
  );
}

async function toAnother(data) {
  await settled();
  const body = (more) => {
    const sent = new URLSearchParams();
    for (const [name, value] of Object.entries({ ...data, ...more })) for (const one of [value].flat()) sent.append(name, one);
    return sent;
  };
  let answer = guard(await post(`${designer.dataset.url}transfer/`, body({})));
  if (answer.status === 412) {
    const { sentence } = await answer.json();
    if (!confirm(sentence)) return false;
    answer = guard(await post(`${designer.dataset.url}transfer/`, body({ sure: "1" })));
  }
  if (!answer.ok) {
    toast((await answer.json().catch(() => ({}))).sentence || words.notSaved, "", true);
    return false;
  }
  const there = answer.headers.get("X-There");
  show(await answer.text());
  toast(words.there, "", false, there);
  return true;
}

export function placeDialog(ids) {
  const dialog = $("#place-dialog");
  const cards = ids.map((id) => $(`#part-${CSS.escape(id)}`, designer)).filter(Boolean);
  if (!cards.length) return;
  const triggers = cards.some((card) => card.dataset.kind === "trigger");
  $("#place-what").textContent = cards.map((card) => card.getAttribute("aria-label")).join(", ");
  $("#place-chain-line").hidden = cards.length > 1 || !cards[0].nextElementSibling?.classList.contains("is-chained");
  const own = $$(".dcol:not(.is-gone)", designer).map((column) => ({ key: column.dataset.place, name: column.dataset.name }));
  offer(own, triggers);
  $("#place-to").value = listOf(cards[0]).dataset.place;
  const pipeline = $("#place-pipeline");
  pipeline.replaceChildren(new Option("—", ""));
  $("#place-elsewhere").hidden = true;
  const mine = ++opened;
  ask()
    .then(({ pipelines }) => {
      if (mine !== opened) return;
      pipeline.append(...pipelines.map(({ key, name }) => new Option(name, key)));
      $("#place-elsewhere").hidden = !pipelines.length;
    })
    .catch(() => {}); // without the list one moves within the pipeline
  pipeline.onchange = async () => {
    const wanted = pipeline.value;
    const places = wanted ? await ask(wanted).then((answer) => answer.places).catch(() => []) : own;
    if (wanted === pipeline.value) offer(places, triggers);
  };
  dialog.returnValue = "";
  dialog.onclose = async () => {
    dialog.onclose = null;
    if (["move", "copy"].includes(dialog.returnValue)) {
      const chain = !$("#place-chain-line").hidden && $("#place-chain").checked;
      const data = { do: dialog.returnValue, ids, place: $("#place-to").value, ...(chain ? { chain: "1" } : {}) };
      const done = pipeline.value ? await toAnother({ ...data, pipeline: pipeline.value }) : await send("do/", data);
      if (done) chooseNone();
    }
    focusPart($(`#part-${CSS.escape(ids[0])}`));
  };
  dialog.showModal();
}

export function bindMany() {
  const acts = {
    place: () => placeDialog([...chosen]),
    copy: () => send("do/", { do: "copy", ids: [...chosen] }).then(chooseNone),
    remove: () => send("do/", { do: "remove", ids: [...chosen] }).then(chooseNone),
    none: chooseNone,
  };
  $("#designer-many").addEventListener("click", (event) => {
    const button = event.target.closest("[data-many]");
    if (button) acts[button.dataset.many]();
  });
  designer.addEventListener(
    "click",
    (event) => {
      const card = event.target.closest(".dcard");
      // Once one is chosen, a plain click or tap chooses more; buttons and grips stay what they are.
      const plain = chosen.size && !event.target.closest(".dcard-side");
      if (!card || !(event.ctrlKey || event.metaKey || plain)) return;
      event.preventDefault();
      event.stopPropagation();
      choose(card.dataset.id);
    },
    true,
  );
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && chosen.size && !document.querySelector("dialog[open]")) chooseNone();
  });
  document.addEventListener("designer:shown", () => {
    for (const id of chosen) if (!$(`#part-${CSS.escape(id)}`, designer)) chosen.delete(id);
    paint();
  });
}
