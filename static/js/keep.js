// What was typed outlives a lost session. A form that is sent, or stands half written when an answer says that the
// session or the form's token is gone, is kept in this tab until the same person is back on the same page.
const KEY = "typed";
const $$ = (selector, root = document) => [...root.querySelectorAll(selector)];
const who = () => document.querySelector('meta[name="who"]')?.content ?? "";
const words = document.querySelector('meta[name="typed-is-back"]')?.content ?? "";
const place = () => location.pathname + location.search;
const SECRET = /password|otp|csrfmiddlewaretoken|secret|token/i;
// Recovery codes are called "code", as a product's is: the browser's own word tells them apart.
const isSecret = (field) => SECRET.test(field.name) || field.autocomplete === "one-time-code";

function isTyped(field) {
  if (field.type === "checkbox" || field.type === "radio") return field.checked !== field.defaultChecked;
  if (!field.options) return field.type !== "hidden" && field.value !== field.defaultValue;
  const options = [...field.options];
  // A list that names no default begins with its first option.
  if (!field.multiple && !options.some((option) => option.defaultSelected)) return field.selectedIndex > 0;
  return options.some((option) => option.selected !== option.defaultSelected);
}

// Buttons have names too, and no text of anybody's.
const NO_TEXT = ["submit", "button", "reset", "image", "file", "password", "fieldset", "output"];
const fieldsOf = (form) => [...form.elements].filter((field) => field.name && !isSecret(field) && !NO_TEXT.includes(field.type));

// Which form of several with one address: by what it hides ("parent=7"), and its place among those that are equal.
const address = (form) => form.getAttribute("action") || place();
const hides = (form) =>
  fieldsOf(form)
    .filter((field) => field.type === "hidden" && !/_html$/.test(field.name))
    .map((field) => `${field.name}=${field.defaultValue}`)
    .join("&");
const equals = (form) => $$("form").filter((other) => other.method === "post" && address(other) === address(form) && hides(other) === hides(form));

function written(form) {
  if (form.method !== "post" || !fieldsOf(form).some(isTyped)) return null;
  const names = new Set(fieldsOf(form).filter((field) => field.type !== "hidden" || /_html$/.test(field.name)).map((field) => field.name));
  const values = [...new FormData(form)].filter(([name, value]) => names.has(name) && typeof value === "string");
  return { action: address(form), hides: hides(form), turn: equals(form).indexOf(form), names: [...names], values };
}

function keep(forms, lost) {
  const found = forms.map(written).filter(Boolean);
  if (found.length && who()) sessionStorage.setItem(KEY, JSON.stringify({ who: who(), place: place(), at: Date.now(), lost, forms: found }));
}

let leaving = false;

// An answer came that nobody may see any more: to the login, and back to this page with all that was typed.
export function leave(response) {
  const isSession = response.status === 401;
  const csrf = response.headers?.get("X-Csrf-Failure") ?? response.getResponseHeader?.("X-Csrf-Failure");
  if ((!isSession && !csrf) || leaving) return isSession || Boolean(csrf);
  leaving = true;
  keep($$("form"), true);
  // The token comes anew with the page; if the session is gone too, the page itself leads to the login.
  if (isSession) location.assign("/login/?next=" + encodeURIComponent(place()));
  else location.reload();
  return true;
}

// Before any other asks whether what is half written may go: it does not go, it is kept.
window.addEventListener("beforeunload", (event) => leaving && event.stopImmediatePropagation());
document.addEventListener("htmx:beforeOnLoad", (event) => leave(event.detail.xhr) && event.preventDefault());
// Forms that a script sends stand on the page still when the answer comes; of others the next page tells.
const SOON = 60_000;
window.addEventListener("submit", (event) => {
  if (event.defaultPrevented) return;
  if (/logout/.test(event.target.action)) return sessionStorage.removeItem(KEY); // who goes on purpose leaves nothing
  keep($$("form"), false); // others stand half written on the same page
  // A page that stands still afterwards was answered by a file: it arrived.
  setTimeout(() => leaving || sessionStorage.removeItem(KEY), SOON / 4);
});

function put(form, name, values) {
  const fields = [...form.elements].filter((field) => field.name === name && !NO_TEXT.includes(field.type));
  for (const field of fields) {
    if (field.type === "checkbox" || field.type === "radio") field.checked = values.includes(field.value);
    else if (field.options) for (const option of field.options) option.selected = values.includes(option.value);
    else field.value = values[fields.indexOf(field)] ?? values[0] ?? "";
    if (/_html$/.test(name)) form.querySelector(`trix-editor[input="${field.id}"]`)?.editor?.loadHTML(values[0] ?? "");
    field.dispatchEvent(new Event("input", { bubbles: true }));
  }
  // An editor that has not come yet begins with what was written.
  const area = /_html$/.test(name) && form.elements[name.replace(/_html$/, "")];
  if (area?.dataset) area.dataset.html = values[0] ?? "";
  return fields.length > 0;
}

const formFor = (kept) => $$("form").filter((form) => form.method === "post" && address(form) === kept.action && hides(form) === kept.hides)[kept.turn];

// Fields of a composer or of a drawer come when it is opened.
async function opened(kept) {
  let form = formFor(kept);
  const around = form?.closest("details:not([open])");
  if (around) around.open = true;
  const empty = document.querySelector(`[data-fields="${kept.action}"]`);
  if (!empty) return form;
  const drawer = empty.closest("details");
  if (drawer) drawer.open = true;
  else document.getElementById(empty.closest("form")?.getAttribute("aria-labelledby"))?.click();
  for (let turn = 0; turn < 100; turn++) {
    await new Promise((on) => setTimeout(on, 50));
    form = formFor(kept);
    if (form && !form.querySelector("[data-fields]")) break;
  }
  return form;
}

async function restore(kept) {
  // Tabs and drawers answer a click once their own scripts have come.
  if (document.readyState !== "complete") await new Promise((on) => window.addEventListener("load", on, { once: true }));
  const form = await opened(kept);
  const rest = [];
  for (const name of kept.names) {
    const values = kept.values.filter(([other]) => other === name).map(([, value]) => value);
    if (!form || !put(form, name, values)) rest.push(...values.filter((value) => value.trim() && !/_html$/.test(name)));
  }
  const dialog = form?.closest("dialog");
  if (dialog && !dialog.open) dialog.showModal();
  if (form) form.dataset.touched = "";
  form?.scrollIntoView({ block: "center" });
  return rest;
}

// What has no field any more is shown, to be copied: nothing is lost.
function tell(rest) {
  const box = document.createElement("div");
  box.className = "typed-back alert alert-info";
  box.setAttribute("role", "status");
  box.append(words);
  for (const text of rest) {
    const area = document.createElement("textarea");
    area.className = "form-control mt-2";
    area.readOnly = true;
    area.value = text;
    box.append(area);
  }
  (document.querySelector("main") ?? document.body).prepend(box);
}

function back() {
  const kept = JSON.parse(sessionStorage.getItem(KEY) ?? "null");
  if (!kept) return;
  if (document.querySelector('meta[name="typed-waits"]')) {
    // The login, or the page that says that the form's token is gone: it was not sent.
    if (kept.lost || Date.now() - kept.at < SOON) sessionStorage.setItem(KEY, JSON.stringify({ ...kept, lost: true }));
    else sessionStorage.removeItem(KEY);
    return;
  }
  if (kept.who === who() && kept.lost && kept.place !== place()) return; // on the way back
  sessionStorage.removeItem(KEY);
  if (kept.who === who() && kept.lost) Promise.all(kept.forms.map(restore)).then((rest) => tell(rest.flat()));
}

back();
