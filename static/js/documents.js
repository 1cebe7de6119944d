// One paper: copy its link, look again while it is being made. The template's editor: preview while typing, fields.
import { $, $$, guard, post, say } from "./app.js";

document.addEventListener("click", async (event) => {
  const copy = event.target.closest("[data-copy]");
  if (copy) {
    const field = document.getElementById(copy.dataset.copy);
    field.select();
    await navigator.clipboard?.writeText(field.value);
    say(field.value);
  }
  const put = event.target.closest("[data-put]");
  if (put) {
    const area = $("#id_body");
    area.setRangeText(put.dataset.put, area.selectionStart, area.selectionEnd, "end");
    area.focus();
    later();
  }
});

// While it is being made: look quietly, and show the page anew once it is there.
async function waiting() {
  const page = await (await fetch(location.href)).text();
  if (page.includes("data-reload")) setTimeout(waiting, 2000);
  else location.reload();
}
if ($("[data-reload]")) setTimeout(waiting, 1500);

const editor = $("[data-preview]");
let timer;
let asked = 0;

function later() {
  clearTimeout(timer);
  timer = setTimeout(look, 700);
}

async function look() {
  const mine = ++asked;
  const pages = $("#preview-pages");
  const fault = $("#preview-fault");
  pages.setAttribute("aria-busy", "true");
  try {
    const answer = await guard(await post(editor.dataset.preview, new URLSearchParams(new FormData(editor)))).json();
    if (mine !== asked) return;
    fault.hidden = !answer.fault;
    fault.textContent = answer.fault || "";
    if (!answer.pages) return;
    pages.replaceChildren(
      ...answer.pages.map((source, place) => {
        const image = document.createElement("img");
        image.src = source;
        image.alt = `${place + 1} / ${answer.count}`;
        return image;
      }),
    );
  } catch {
    fault.hidden = false;
    fault.textContent = editor.dataset.failed;
  } finally {
    pages.removeAttribute("aria-busy");
  }
}

if (editor) {
  editor.addEventListener("input", later);
  look();
  for (const area of $$("textarea", editor))
    area.addEventListener("keydown", (event) => {
      // Tab indents; Escape first lets it leave the field, for who works with keys alone.
      if (event.key === "Escape") area.dataset.leave = "1";
      else if (event.key === "Tab" && !event.shiftKey && !area.dataset.leave) {
        event.preventDefault();
        area.setRangeText("  ", area.selectionStart, area.selectionEnd, "end");
      } else delete area.dataset.leave;
    });
}
