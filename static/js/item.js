// The item page: live refresh that never disturbs typing, the stage bar with its dialog.
import { $, $$, guard, post, showToasts, toast, words } from "./app.js";
import { poll } from "./live.js";

const typing = () =>
  $$("dialog[open]").length > 0 ||
  /INPUT|TEXTAREA|SELECT/.test(document.activeElement?.tagName) ||
  $$("#item-page textarea").some((area) => area.value.trim() !== "") ||
  location.pathname.endsWith("/edit/");

poll({
  every: 3000,
  busy: typing,
  ask: () => `${$("#item-page").dataset.liveUrl}?v=${$("#item-page").dataset.state}`,
  onChange: (html) => window.htmx.swap($("#item-page"), html, { swapStyle: "morph:outerHTML" }),
});

async function move(form, data) {
  try {
    const response = guard(await post(form.action, data));
    const html = await response.text();
    const dialog = $("#ask-dialog");
    if (response.headers.get("X-Needs")) {
      dialog.innerHTML = html;
      if (!dialog.open) dialog.showModal();
      $("form", dialog).addEventListener("submit", (event) => {
        event.preventDefault();
        const more = new URLSearchParams(data);
        for (const name of ["asked", ...new FormData(event.target).keys()]) more.delete(name);
        for (const [name, value] of new FormData(event.target)) more.append(name, value);
        move(form, more);
      });
    } else {
      dialog.close();
      if (response.ok) location.reload();
      else showToasts(html);
    }
  } catch {
    toast(words.notSaved, words.noAnswer, true);
  }
}

document.addEventListener("submit", (event) => {
  if (event.target.id !== "stagebar") return;
  event.preventDefault();
  const data = new URLSearchParams(new FormData(event.target));
  data.set("to", event.submitter.value);
  data.set("key", crypto.randomUUID());
  move(event.target, data);
});
