// Lines of an item: products by name, another row. Without scripts the form works with its two empty rows.
import { $, $$, guard } from "./app.js";

const found = new Map();
let timer;

async function suggest(field) {
  const form = field.closest("[data-lines]");
  const response = guard(await fetch(`${form.dataset.products}?q=${encodeURIComponent(field.value)}`));
  if (!response.ok) return;
  const list = $("datalist", form);
  list.replaceChildren();
  for (const product of (await response.json()).products) {
    found.set(product.name, product);
    const option = document.createElement("option");
    option.value = product.name;
    option.label = [product.code, product.price, product.currency].filter(Boolean).join(" · ");
    list.append(option);
  }
}

function take(field) {
  const row = field.closest(".line-row");
  const product = found.get(field.value);
  const set = (name, value) => {
    const target = $(`[name$="-${name}"]`, row);
    if (target && value !== "") target.value = value;
  };
  $('[name$="-product"]', row).value = product ? product.id : "";
  if (!product) return;
  set("unit", product.unit);
  set("tax", product.tax);
  // A price in another currency is no price here.
  if (product.currency === field.closest("[data-lines]").dataset.currency) {
    const comma = Intl.NumberFormat(document.documentElement.lang).format(1.5).includes(",");
    // Three digits after a sign would be read as thousands.
    const typed = (number) => {
      const whole = number.replace(/(\.\d{3})$/, "$10");
      return comma ? whole.replace(".", ",") : whole;
    };
    set("price", typed(product.price));
    const cost = $('[name$="-cost"]', row); // shown to those alone who are told it
    if (cost) cost.value = product.cost ? typed(product.cost) : "";
  }
}

function another(form) {
  const count = $('[name="rows"]', form);
  const holder = document.createElement("template");
  holder.innerHTML = $("template", form).innerHTML.replaceAll("__n__", count.value);
  $(".line-rows", form).append(holder.content);
  count.value = Number(count.value) + 1;
  form.dataset.touched = "";
  $$(".line-row", form).at(-1).querySelector('[name$="-name"]').focus();
}

document.addEventListener("focusin", (event) => {
  if (event.target.matches?.('[data-lines] [name$="-name"]')) suggest(event.target);
});
document.addEventListener("input", (event) => {
  if (!event.target.matches('[data-lines] [name$="-name"]')) return;
  take(event.target);
  clearTimeout(timer);
  timer = setTimeout(() => suggest(event.target), 200);
});
document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-add-line]");
  if (button) another(button.closest("form"));
});
