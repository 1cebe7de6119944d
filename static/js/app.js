// Every page: toasts, theme, words for scripts, dialogs.
import { leave } from "./keep.js";

export const $ = (selector, root = document) => root.querySelector(selector);
export const $$ = (selector, root = document) => [...root.querySelectorAll(selector)];
export const words = JSON.parse($("#words").textContent);
export const csrf = () => document.body.dataset.csrf;

export function say(text) {
  const live = $("#live");
  live.textContent = "";
  requestAnimationFrame(() => (live.textContent = text));
}

export function toast(title, text, bad = false, address = "") {
  const box = document.createElement("div");
  box.className = `toast show crm-toast${bad ? " is-bad" : ""}`;
  box.setAttribute("role", bad ? "alert" : "status");
  box.innerHTML =
    '<div class="toast-body"><strong></strong><div></div></div><button type="button" class="btn-close" data-close aria-label="×"></button>';
  if (address) $("strong", box).append(Object.assign(document.createElement("a"), { href: address, textContent: title }));
  else $("strong", box).textContent = title;
  $(".toast-body div", box).textContent = text;
  $("#toasts").append(box);
  fade(box, bad || address ? 12000 : 5000);
}

export function fade(box, after) {
  let timer = setTimeout(() => box.remove(), after);
  box.addEventListener("mouseenter", () => clearTimeout(timer));
  box.addEventListener("mouseleave", () => (timer = setTimeout(() => box.remove(), 3000)));
}

export function showToasts(html) {
  const holder = document.createElement("template");
  holder.innerHTML = html;
  for (const box of $$("[data-toast]", holder.content)) {
    $("#toasts").append(box);
    fade(box, box.dataset.seconds ? box.dataset.seconds * 1000 : 12000);
    say(box.textContent.trim());
  }
}

export const post = (url, data) =>
  fetch(url, { method: "POST", body: data, headers: { "X-CSRFToken": csrf(), "HX-Request": "true" } });

// An answer to any request of ours: where the session has ended it leads to the login and back (js/keep.js).
export function guard(response) {
  leave(response);
  return response;
}

// A toast may offer to do something about the moves it speaks of: undo, send now, tidy up.
async function act(button) {
  button.disabled = true;
  try {
    const response = guard(await post(button.dataset.act, new URLSearchParams(button.parentNode.dataset.moves)));
    if (response.status >= 500) throw new Error(response.status);
    const html = await response.text();
    button.closest(".toast").remove();
    showToasts(html);
    document.dispatchEvent(new Event("crm:refresh"));
  } catch {
    button.disabled = false;
    toast(words.notSaved, words.noAnswer, true);
  }
}

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-act]");
  if (button) act(button);
  const close = event.target.closest("[data-close]");
  if (close) close.closest(".toast").remove();
  const dialogOf = event.target.closest("#filter-dialog") === event.target && event.target;
  if (dialogOf) dialogOf.close(); // a click on the backdrop
  const cancel = event.target.closest("dialog [data-cancel]");
  if (cancel) cancel.closest("dialog").close("cancel");
});
for (const box of $$("[data-autohide]")) {
  box.dataset.fades = "";
  fade(box, box.classList.contains("is-bad") ? 12000 : 5000);
}

$("#theme")?.addEventListener("click", (event) => {
  const root = document.documentElement;
  root.dataset.bsTheme = root.dataset.bsTheme === "dark" ? "light" : "dark";
  post(event.currentTarget.dataset.url, new URLSearchParams({ theme: root.dataset.bsTheme }));
});

export function showUnread(count) {
  const mark = $("#unread");
  if (!mark || count === null) return;
  mark.textContent = count;
  mark.hidden = count === "0";
}

// What a card that is drawn anew has to say comes along with it.
document.body.addEventListener("htmx:oobAfterSwap", (event) => {
  if (event.detail.target.id !== "toasts") return;
  for (const box of $$("#toasts [data-autohide]:not([data-fades])")) {
    box.dataset.fades = "";
    fade(box, box.classList.contains("is-bad") ? 12000 : 5000);
    say($(".toast-body", box).textContent.trim());
  }
});

document.body.addEventListener("htmx:afterSwap", (event) => {
  if (event.target.matches?.("dialog") && !event.target.open) event.target.showModal();
});

// A form that came back refused: its first fault is brought into sight, and its field into the hand.
function showFault(root) {
  const fault = $(".has-error, .field-error, .err, form [role=alert]", root);
  if (!fault || fault.closest("[hidden], details:not([open])")) return;
  const field = $("input:not([type=hidden]), select, textarea", fault.closest(".field, .has-error, td, tr") ?? fault);
  fault.scrollIntoView({ block: "center" });
  field?.focus({ preventScroll: true });
}
if ($("main")) showFault($("main"));
document.body.addEventListener("htmx:afterSwap", (event) => {
  if (event.target.id === "item-page") showFault($("#item-page"));
});

// Keys of every page: ? shows them, g and a letter goes somewhere, / searches.
const places = { b: "/", d: "/day/", c: "/contacts/", o: "/outbox/" };
let going = 0;
document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || /INPUT|TEXTAREA|SELECT/.test(event.target.tagName)) return;
  if ($$("dialog[open]").length) return;
  if (event.key === "?") $("#keys-dialog")?.showModal();
  else if (event.key === "/") {
    event.preventDefault();
    if ($("#q")) $("#q").focus();
    else $("#search-open")?.click();
  } else if (event.key === "g") going = Date.now();
  else if (Date.now() - going < 1500 && places[event.key]) location.assign(places[event.key]);
});
