// The panel beside a card that is there: what its texts would say, when it would run, what each merge field holds; and merge fields
// offered while somebody types "{{".
import { $, $$, post, say } from "./app.js";
import { segments } from "./segments.js";

let values = {};
let list = null;
let field = null;
let asked = 0;

const panel = () => $("#part-panel");
const address = () => `${$("form", panel()).getAttribute("action")}sample/`;

export async function bindSample() {
  values = {};
  const own = address();
  const answer = await fetch(own).catch(() => null);
  if (!answer?.ok || !panel().open || own !== address()) return;
  ({ values } = await answer.json());
  for (const button of $$("[data-insert]", panel())) {
    const value = values[pathOf(button)];
    if (!value || $("small", button)) continue;
    button.append(Object.assign(document.createElement("small"), { textContent: value.slice(0, 40), dir: "auto" }));
  }
  show();
}

const pathOf = (button) => button.dataset.insert.replace(/[{}\s]/g, "");

// After each save: texts as they would be written, and when it would run.
export async function show() {
  const form = $("form", panel());
  if (!form) return;
  const mine = ++asked;
  const answer = await post(address(), new URLSearchParams(new FormData(form))).catch(() => null);
  if (!answer?.ok || !form.isConnected || mine !== asked) return;
  const { card, texts, when } = await answer.json();
  const example = $("#part-example");
  if (example) {
    example.textContent = when || "";
    example.hidden = !when;
  }
  for (const area of $$("[data-merge]", form)) {
    const text = texts[area.name] ?? "";
    const note = noteOf(area);
    note.replaceChildren();
    const shown = text && text !== area.value ? text : "";
    if (shown) note.append(Object.assign(document.createElement("em"), { textContent: card, dir: "auto" }), document.createTextNode(` ${shown}`));
    if ("sms" in area.dataset && area.value) {
      const { count, left } = segments(text || area.value);
      note.append(Object.assign(document.createElement("strong"), { textContent: ` ${count} × SMS · ${left}` }));
    }
    note.hidden = !note.childNodes.length;
  }
}

function noteOf(area) {
  const known = area.parentElement.querySelector(".part-preview");
  if (known) return known;
  const note = Object.assign(document.createElement("p"), { className: "part-preview text-secondary" });
  area.after(note);
  return note;
}

// ------------------------------------------------------------------ "{{"

const begun = (area) => area.value.slice(0, area.selectionStart).match(/\{\{\s*([^{}]*)$/);

function close() {
  list?.remove();
  list = null;
  field?.removeAttribute("aria-activedescendant");
}

function offer(area) {
  const typed = begun(area);
  if (!typed) return close();
  const asked = typed[1].trim().toLowerCase();
  const found = $$(".part-fields [data-insert]", panel()).filter((button) =>
    `${pathOf(button)} ${button.firstChild.textContent}`.toLowerCase().includes(asked),
  );
  close();
  if (!found.length) return;
  field = area;
  list = Object.assign(document.createElement("ul"), { className: "merge-offer", id: "merge-offer" });
  list.setAttribute("role", "listbox");
  found.slice(0, 8).forEach((button, index) => {
    const row = Object.assign(document.createElement("li"), { id: `merge-offer-${index}` });
    row.setAttribute("role", "option");
    row.dataset.path = pathOf(button);
    row.append(`${button.firstChild.textContent.trim()} · ${row.dataset.path}`, Object.assign(document.createElement("small"), { textContent: values[pathOf(button)] ?? "", dir: "auto" }));
    list.append(row);
  });
  area.after(list);
  area.setAttribute("aria-controls", "merge-offer");
  mark(0);
}

function mark(index) {
  const rows = [...list.children];
  rows.forEach((row, place) => row.setAttribute("aria-selected", place === index));
  rows[index].scrollIntoView({ block: "nearest" });
  field.setAttribute("aria-activedescendant", rows[index].id);
  say(rows[index].textContent);
}

function take(row) {
  const [whole] = begun(field);
  const end = field.selectionStart;
  const rest = field.value.slice(end).match(/^\s*\}\}/)?.[0].length ?? 0;
  field.setRangeText(`{{ ${row.dataset.path} }}`, end - whole.length, end + rest, "end");
  const area = field;
  close();
  area.dispatchEvent(new Event("input", { bubbles: true }));
  area.focus();
}

export function bindOffer() {
  const root = panel();
  root.addEventListener("input", (event) => event.target.matches("[data-merge]") && offer(event.target));
  root.addEventListener("focusout", (event) => event.target === field && setTimeout(close, 150));
  root.addEventListener("mousedown", (event) => {
    const row = event.target.closest(".merge-offer li");
    if (!row) return;
    event.preventDefault();
    take(row);
  });
  root.addEventListener(
    "keydown",
    (event) => {
      if (!list) return;
      const rows = [...list.children];
      const at = rows.findIndex((row) => row.getAttribute("aria-selected") === "true");
      const acts = {
        ArrowDown: () => mark((at + 1) % rows.length),
        ArrowUp: () => mark((at + rows.length - 1) % rows.length),
        Enter: () => take(rows[at]),
        Tab: () => take(rows[at]),
        Escape: close,
      };
      if (!acts[event.key]) return;
      event.preventDefault();
      event.stopPropagation();
      acts[event.key]();
    },
    true,
  );
}
