// What all parts of the designer share: a gesture is sent, the server answers with the board as it is now, which is morphed in.
import { $, $$, guard, post, toast, words as common } from "./app.js";

export const designer = $("#designer");
export const words = JSON.parse($("#designer-words").textContent);
export const may = "may" in designer.dataset;
let asked = 0;

// One gesture after the other: a step that is taken back must have been made before. Only the newest answer is shown.
let last = Promise.resolve();
export function send(path, data = {}) {
  last = last.then(() => sent(path, data));
  return last;
}

// What was sent has been answered.
export const settled = () => last;

async function sent(path, data) {
  const body = new URLSearchParams();
  for (const [name, value] of Object.entries(data)) for (const one of [value].flat()) body.append(name, one);
  const mine = ++asked;
  let response;
  try {
    response = guard(await post(designer.dataset.url + path, body));
    if (!response.ok && ![409, 412, 422].includes(response.status)) throw new Error(response.status);
  } catch {
    toast(common.notSaved, common.noAnswer, true);
    draw();
    return null;
  }
  if (response.status === 412) return { ask: (await response.json()).sentence };
  if (response.status === 409) {
    toast((await response.json()).sentence, "", true);
    draw();
    return null;
  }
  if (!response.ok) return { html: await response.text() };
  const html = await response.text();
  if (mine === asked) show(html);
  return { opened: response.headers.get("X-Opened") || "" };
}

export function show(html) {
  const focused = document.activeElement?.closest(".dcard")?.id;
  const across = $(".designer-columns", designer)?.scrollLeft || 0;
  window.Idiomorph.morph(designer, html, { morphStyle: "innerHTML", ignoreActiveValue: true });
  window.htmx.process(designer);
  $(".designer-columns", designer).scrollLeft = across;
  document.dispatchEvent(new Event("designer:shown"));
  if (focused && !document.activeElement?.closest(".dcard")) focusPart($(`#${focused}`));
  refresh();
}

export async function draw() {
  const response = guard(await fetch(designer.dataset.url, { headers: { "HX-Request": "true" } }));
  if (response.ok) show(await response.text());
}

// Figures of the last day and what is wrong: they may take longer than the board.
let timer = null;
export function refresh() {
  clearTimeout(timer);
  timer = setTimeout(async () => {
    const response = await fetch(`${designer.dataset.url}state/`).catch(() => null);
    if (response?.ok) paint(await response.json());
  }, 150);
}

function paint({ figures, faults }) {
  for (const card of $$(".dcard", designer)) {
    const found = figures[card.dataset.id];
    const line = $(".dcard-figures", card);
    const told = ["done", "skipped", "failed", "waiting"].filter((name) => found?.[name]);
    line.hidden = !told.length;
    line.title = words.lastDay;
    line.replaceChildren(...told.map((name) => Object.assign(document.createElement("span"), { className: `is-${name}`, textContent: `${found[name]} ${words[name]}` })));
    const wrong = faults.filter((fault) => fault.id === card.dataset.id);
    const note = $("[data-faults]", card);
    note.hidden = !wrong.length;
    note.textContent = wrong.map((fault) => fault.sentence).join(" ");
    card.classList.toggle("is-wrong", wrong.length > 0);
  }
  const button = $("[data-problems]", designer);
  if (!button) return;
  button.hidden = !faults.length;
  $("span", button).textContent = `${faults.length} ${words.problems}`;
  button.onclick = () => {
    const first = faults.find((fault) => $(`#part-${fault.id}`, designer));
    if (first) focusPart($(`#part-${first.id}`));
    else toast(words.problems, faults.map((fault) => fault.sentence).join(" "), true);
  };
}

export const before = (card) => card.nextElementSibling?.dataset.id || "";
export const listOf = (card) => card.closest(".dlist");

export function focusPart(card) {
  if (!card) return;
  for (const one of $$('.dcard[tabindex="0"]')) one.tabIndex = -1;
  card.tabIndex = 0;
  card.focus();
  card.scrollIntoView({ block: "nearest", inline: "nearest" });
}

export function moved(card, chain = false) {
  const data = { do: "move", ids: [card.dataset.id], place: listOf(card).dataset.place, before: before(card) };
  return send("do/", chain ? { ...data, chain: "1" } : data);
}
