// The menu: what has no room goes into "More"; the switcher of pipelines finds by name.
import { $, $$ } from "./app.js";

const list = $("#nav-links");
const more = $("#nav-more");
const entries = list ? [...list.children].filter((entry) => entry !== more) : [];

function fit() {
  for (const entry of entries) {
    list.insertBefore(entry, more);
    entry.firstElementChild.classList.remove("dropdown-item");
  }
  more.hidden = true;
  // On a phone the menu is a list that is folded away: everything has its line.
  if (getComputedStyle($(".app-nav .navbar-toggler")).display === "none") {
    const menu = $(".dropdown-menu", more);
    for (let place = entries.length - 1; place >= 0 && list.scrollWidth > list.clientWidth + 1; place--) {
      more.hidden = false;
      menu.prepend(entries[place]);
      entries[place].firstElementChild.classList.add("dropdown-item"); // arrows go from one to the next
    }
    more.classList.toggle("active", $(".active", menu) !== null);
  }
  list.classList.add("is-fitted");
}

if (list) {
  fit();
  let width = innerWidth;
  addEventListener("resize", () => {
    if (innerWidth !== width) fit();
    width = innerWidth;
  });
  // Letters of the real font are wider or narrower than those that were there first.
  document.fonts?.ready.then(fit);
}

const fold = (text) => text.normalize("NFD").replace(/\p{M}/gu, "").replace(/[łŁ]/g, "l").replace(/[đĐ]/g, "d").toLowerCase();
const find = $("#pipelines input");
if (find) {
  const rows = $$("#pipelines a.dropdown-item");
  const show = () => {
    const asked = fold(find.value.trim());
    for (const row of rows) row.hidden = !fold(row.textContent).includes(asked);
    $("#pipelines [data-none]").hidden = rows.some((row) => !row.hidden);
  };
  find.addEventListener("input", show);
  find.addEventListener("keydown", (event) => {
    const first = rows.find((row) => !row.hidden);
    if (event.key === "Enter" && first) first.click();
    if (event.key === "ArrowDown" && first) (event.preventDefault(), first.focus());
  });
  $("#pipelines").addEventListener("shown.bs.dropdown", () => find.focus());
  $("#pipelines").addEventListener("hidden.bs.dropdown", () => {
    find.value = "";
    show();
  });
}
