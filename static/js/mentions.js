// Colleagues offered while somebody types @ into a field with data-mentions (the address of their names).
import { guard } from "./app.js";

const MOST = 6;
const asked = new Map();
let open = null; // { field, list, start }

const fold = (text) => text.normalize("NFD").replace(/\p{M}/gu, "").replace(/[đĐ]/g, "d").replace(/[łŁ]/g, "l").toLowerCase();

function names(url) {
  if (!asked.has(url)) {
    const answer = fetch(url).then((response) => (guard(response).ok ? response.json() : Promise.reject(response.status)));
    asked.set(url, answer.then((found) => found.names));
    answer.catch(() => asked.delete(url)); // the name can be typed in full all the same
  }
  return asked.get(url);
}

function close() {
  if (!open) return;
  open.list.remove();
  for (const name of ["aria-controls", "aria-activedescendant", "aria-expanded", "aria-autocomplete", "role"]) open.field.removeAttribute(name);
  open = null;
}

function mark(option) {
  for (const other of open.list.children) other.setAttribute("aria-selected", other === option);
  open.field.setAttribute("aria-activedescendant", option.id);
}

function take(option) {
  const { field, start } = open;
  field.setRangeText(`@${option.textContent} `, start, field.selectionStart, "end");
  close();
  field.focus();
  field.dispatchEvent(new Event("input", { bubbles: true }));
}

function show(field, start, found) {
  close();
  const list = document.createElement("ul");
  list.className = "mention-list";
  list.id = "mention-list";
  list.setAttribute("role", "listbox");
  list.setAttribute("aria-label", "@");
  list.append(
    ...found.map((name, place) => {
      const option = document.createElement("li");
      Object.assign(option, { id: `mention-${place}`, textContent: name, dir: "auto" });
      option.setAttribute("role", "option");
      return option;
    }),
  );
  field.after(list);
  Object.assign(list.style, { left: `${field.offsetLeft}px`, top: `${field.offsetTop + field.offsetHeight}px` });
  open = { field, list, start };
  field.setAttribute("role", "combobox");
  field.setAttribute("aria-autocomplete", "list");
  field.setAttribute("aria-expanded", "true");
  field.setAttribute("aria-controls", list.id);
  mark(list.firstChild);
}

document.addEventListener("input", async (event) => {
  const field = event.target;
  if (!field.matches?.("[data-mentions]")) return;
  const before = field.value.slice(0, field.selectionStart);
  const [, said] = /(?:^|[\s(])@([^@\n]{0,40})$/.exec(before) ?? [];
  if (said === undefined) return close();
  const known = await names(field.dataset.mentions).catch(() => []);
  if (field.value.slice(0, field.selectionStart) !== before) return; // typed on meanwhile
  const wanted = fold(said);
  const found = known.filter((name) => fold(name).startsWith(wanted) || fold(name).includes(` ${wanted}`)).slice(0, MOST);
  if (!found.length || (found.length === 1 && fold(found[0]) === wanted)) close();
  else show(field, before.length - said.length - 1, found);
});

document.addEventListener("keydown", (event) => {
  if (!open || event.target !== open.field || event.isComposing) return;
  const now = open.list.querySelector('[aria-selected="true"]');
  const act = {
    ArrowDown: () => mark(now.nextElementSibling ?? open.list.firstChild),
    ArrowUp: () => mark(now.previousElementSibling ?? open.list.lastChild),
    Enter: () => take(now),
    Tab: () => take(now),
    Escape: close,
  }[event.key];
  if (!act) return;
  event.preventDefault();
  event.stopPropagation(); // neither the form nor the panel hears of it
  act();
}, true);

document.addEventListener("pointerdown", (event) => {
  const option = open && event.target.closest?.(".mention-list [role=option]");
  if (option) (event.preventDefault(), take(option));
  else close();
});
document.addEventListener("focusout", (event) => open && event.target === open.field && close());
