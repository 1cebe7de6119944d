// The builder of conditions: comparisons in groups of any depth. What fits a field, and what boxes a comparison takes, the server
// says; how they stand together goes along in one hidden field. Without scripts all of them stand in one group.
// As automation/condition_shape.py reads them.
const DEEPEST = 8;

export function bindCondition(root) {
  const shape = root.querySelector("[name=if-shape]");
  const form = shape.form;
  const outermost = root.querySelector("[data-group]");
  const rows = () => [...outermost.querySelectorAll(".condition-row")];
  const select = (row, kind) => row.querySelector(`select[name^="if-${kind}_"]`);
  const partsOf = (group) => group.querySelector(":scope > .cgroup-parts");
  let count = Math.max(0, ...rows().map((row) => Number(row.dataset.row)));

  const node = (part) => {
    if (part.matches(".condition-row")) return Number(part.dataset.row);
    const glue = part.querySelector(":scope > .cgroup-head select").value;
    return { glue, parts: [...partsOf(part).children].map(node) };
  };

  // After each change: what stands where, and who is served by a button.
  function settle(told = true) {
    shape.value = JSON.stringify(node(outermost));
    const parts = partsOf(outermost);
    outermost.querySelector(":scope > .cgroup-head").hidden = !parts.childElementCount;
    for (const one of outermost.querySelectorAll(".condition-verbs, .cgroup-foot")) one.hidden = false;
    outermost.querySelector(":scope > .cgroup-foot").hidden = false;
    for (const row of rows()) row.querySelector("[data-other]").hidden = row.dataset.takes !== "one" && !select(row, "other");
    for (const group of root.querySelectorAll("[data-group] [data-group]")) {
      let depth = 0;
      for (let above = group; above !== outermost; above = above.parentElement.closest("[data-group]")) depth += 1;
      if (depth >= DEEPEST) group.querySelector(":scope > .cgroup-foot [data-add-group]").hidden = true;
    }
    if (!told) return;
    form.dispatchEvent(new Event("change", { bubbles: true }));
    form.dispatchEvent(new Event("condition:settled"));
  }

  async function drawn(number, field, op, values = [], other = null) {
    const asked = new URLSearchParams({ n: number, field, op, pipeline: root.dataset.pipeline });
    for (const value of values) asked.append("value", value);
    if (other !== null) asked.set("other", other);
    const answer = await fetch(`${root.dataset.rowUrl}?${asked}`);
    if (!answer.ok) throw new Error(answer.status);
    const holder = document.createElement("template");
    holder.innerHTML = await answer.text();
    return holder.content.querySelector(".condition-row");
  }

  async function redraw(row, focus, other) {
    const number = row.dataset.row;
    const [field, op] = [select(row, "field").value, select(row, "op").value];
    // What was typed goes along to another comparison of the same field.
    const typed = focus === "op" ? new FormData(form).getAll(`if-value_${number}`).filter(Boolean) : [];
    try {
      const fresh = await drawn(number, field, op, typed, other);
      // Arrow keys may have gone on while the answer travelled.
      if (select(row, "field").value !== field || select(row, "op").value !== op) return;
      row.replaceWith(fresh);
      (focus === "other" ? fresh.querySelector("[data-other]") : select(fresh, focus)).focus();
      settle();
    } catch {
      // The row stays as it was; the server reads whatever its one box holds.
    }
  }

  root.addEventListener("change", (event) => {
    const match = event.target.name?.match(/^if-(field|op)_(\d+)$/);
    if (match) {
      const row = event.target.closest(".condition-row");
      redraw(row, match[1], match[1] === "op" && select(row, "other") ? select(row, "other").value : null);
    } else if (event.target.matches(".cgroup-head select")) settle(false);
  });

  async function addRow(group) {
    try {
      const row = await drawn((count += 1), "", "");
      partsOf(group).append(row);
      settle();
      select(row, "field").focus();
    } catch {
      count -= 1;
    }
  }

  const acts = {
    addRow: (button) => addRow(button.closest("[data-group]")),
    addGroup: (button) => {
      const fresh = root.querySelector("[data-group-template]").content.cloneNode(true).firstElementChild;
      partsOf(button.closest("[data-group]")).append(fresh);
      return addRow(fresh);
    },
    other: (button) => {
      const row = button.closest(".condition-row");
      return redraw(row, "other", select(row, "other") ? null : "");
    },
    drop: (button) => {
      const part = button.closest(".condition-row") || button.closest("[data-group]");
      const group = part.parentElement.closest("[data-group]");
      part.remove();
      settle();
      group.querySelector(":scope > .cgroup-foot [data-add-row]").focus();
    },
  };
  root.addEventListener("click", (event) => {
    for (const [name, act] of Object.entries(acts)) {
      const button = event.target.closest(`[data-${name.replace(/[A-Z]/g, (sign) => `-${sign.toLowerCase()}`)}]`);
      if (button) return act(button);
    }
  });

  // Empty ones are for whoever has no scripts.
  for (const row of rows()) if (!select(row, "field").value && !row.querySelector(".errorlist")) row.remove();
  settle(false);

  // How many cards meet it now: asked a moment after the last change.
  const told = root.querySelector("[data-count]");
  if (!told || !root.dataset.countUrl) return;
  let timer = null;
  let asked = 0;
  async function ask() {
    const mine = ++asked;
    const answer = await fetch(root.dataset.countUrl, { method: "POST", body: new URLSearchParams(new FormData(form)) }).catch(() => null);
    if (!answer?.ok || !told.isConnected || mine !== asked) return;
    const { sentence } = await answer.json();
    told.textContent = sentence;
    told.hidden = !sentence;
  }
  const soon = () => {
    clearTimeout(timer);
    timer = setTimeout(ask, 400);
  };
  root.addEventListener("input", soon);
  root.addEventListener("change", soon);
  form.addEventListener("condition:settled", soon);
  if (rows().length) ask();
}
