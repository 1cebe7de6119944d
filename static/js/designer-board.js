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

// One finding as a line; where a click mends it, with that button.
function line(finding, fixable = may) {
  const row = Object.assign(document.createElement("span"), { className: `dfinding is-${finding.level}` });
  row.append(Object.assign(document.createElement("span"), { textContent: finding.sentence, dir: "auto" }));
  if (finding.fix && fixable) {
    const button = Object.assign(document.createElement("button"), { type: "button", className: "btn btn-sm", textContent: finding.fix });
    button.tabIndex = -1;
    Object.assign(button.dataset, { mend: finding.check, where: finding.place });
    row.append(button);
  }
  return row;
}

// What the last look has found; the panel shows its part of it.
let found = [];
export const findingsOf = (id) => found.filter((finding) => finding.id === id).map((finding) => line(finding));

function paint({ figures, findings }) {
  found = findings;
  for (const card of $$(".dcard", designer)) {
    const counts = figures[card.dataset.id];
    const last = $(".dcard-figures", card);
    const told = ["done", "skipped", "failed", "waiting"].filter((name) => counts?.[name]);
    last.hidden = !told.length;
    last.title = words.lastDay;
    last.replaceChildren(...told.map((name) => Object.assign(document.createElement("span"), { className: `is-${name}`, textContent: `${counts[name]} ${words[name]}` })));
    const own = findingsOf(card.dataset.id);
    const note = $("[data-faults]", card);
    note.hidden = !own.length;
    note.replaceChildren(...own);
    card.classList.toggle("is-wrong", own.some((one) => one.matches(".is-error")));
    card.classList.toggle("is-doubted", own.some((one) => one.matches(".is-warning")));
  }
  for (const column of $$(".dcol", designer)) {
    const own = findings.filter((finding) => !finding.id && finding.column === column.dataset.place);
    const note = $("[data-column-faults]", column);
    note.hidden = !own.length;
    note.replaceChildren(...own.map((one) => line(one)));
  }
  document.dispatchEvent(new Event("designer:checked"));
  const faults = findings.filter((finding) => finding.level === "error");
  const doubts = findings.filter((finding) => finding.level === "warning");
  const button = $("[data-problems]", designer);
  if (!button) return;
  button.hidden = !faults.length && !doubts.length;
  button.classList.toggle("is-doubted", !faults.length);
  const told = [[faults, words.problems], [doubts, words.warnings]].filter(([some]) => some.length);
  $("span", button).textContent = told.map(([some, word]) => word.replace("%1", some.length)).join(" · ");
  // Each click leads to the next one.
  button.onclick = () => {
    const places = [...faults, ...doubts].filter((one) => $(`#part-${CSS.escape(one.id)}`, designer));
    const next = places[(Number(button.dataset.next) || 0) % (places.length || 1)];
    button.dataset.next = (Number(button.dataset.next) || 0) + 1;
    if (next) focusPart($(`#part-${CSS.escape(next.id)}`));
    else toast(button.textContent, [...faults, ...doubts].map((one) => one.sentence).join(" "), true);
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
