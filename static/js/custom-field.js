// A custom field's form: options are asked of lists, the item type of fields of items. What has an error stays in sight.
const value = (name) => document.querySelector(`#id_${name}`)?.value ?? document.querySelector(`.field-${name} .readonly`)?.textContent;

const lists = document.querySelector("#id_type")?.dataset.lists.split(" ") ?? [];

function show(name, wanted) {
  const row = document.querySelector(`.field-${name}`);
  if (row) row.hidden = !wanted && !row.classList.contains("errors");
}

function update() {
  show("options", lists.includes(value("type")));
  if (document.querySelector("#id_target")) show("item_type", value("target") === "item");
}

document.addEventListener("change", update);
update();
