// An editor over textareas that ask for it (data-rich: where it lies, its words). Without this script they stay
// plain. What is written goes along as NAME_html, or into the textarea itself (data-rich-own: it holds HTML).
const words = JSON.parse(document.getElementById("words")?.textContent ?? "{}");
let loading = null;

function load(files) {
  loading ??= new Promise((resolve, reject) => {
    const style = document.createElement("link");
    style.rel = "stylesheet";
    style.href = files.style;
    const script = document.createElement("script");
    script.src = files.script;
    script.onload = () => {
      Object.assign(window.Trix.config.lang, files.words);
      resolve();
    };
    script.onerror = reject;
    document.head.append(style, script);
  });
  return loading;
}

const asHtml = (text) => {
  const holder = document.createElement("div");
  holder.textContent = text;
  return holder.innerHTML.replaceAll("\n", "<br>");
};

async function dress(area) {
  const files = JSON.parse(area.dataset.rich);
  delete area.dataset.rich;
  await load(files);
  const own = "richOwn" in area.dataset;
  const input = document.createElement("input");
  input.type = "hidden";
  input.id = `${area.id}_html`;
  input.value = own ? area.value : area.dataset.html || asHtml(area.value);
  if (!own) input.name = `${area.name}_html`;
  const editor = document.createElement("trix-editor");
  editor.setAttribute("input", input.id);
  editor.className = "form-control rich";
  const label = document.querySelector(`label[for="${area.id}"]`);
  editor.setAttribute("aria-label", label?.textContent.trim() ?? "");
  label?.addEventListener("click", () => editor.focus());
  const box = document.createElement("div");
  box.className = "rich-box";
  box.append(input, editor);
  area.before(box);
  area.hidden = true;
  area.required = false;
  editor.addEventListener("trix-file-accept", (event) => event.preventDefault());
  editor.addEventListener("trix-change", () => {
    area.value = own ? input.value : editor.editor.getDocument().toString().trim();
  });
}

// Loaded once somebody comes near: most visits to a card write no mail.
const near = (root) => root.querySelectorAll("textarea[data-rich]").forEach((area) => area.checkVisibility() && dress(area));

document.addEventListener("click", () => requestAnimationFrame(() => near(document)));
document.addEventListener("focusin", () => near(document));
if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", () => near(document));
else near(document);
document.addEventListener("htmx:afterSettle", () => near(document));

// A template fills subject and text; what was typed before comes back by undo in the editor.
document.addEventListener("change", async (event) => {
  const select = event.target.closest("select[data-fill]");
  if (!select?.value) return;
  let form = select.form;
  let made;
  try {
    const response = await fetch(`${select.dataset.fill}?template=${encodeURIComponent(select.value)}`);
    made = await response.json(); // 403 and 422 say why in it
  } catch {
    made = { error: words.noAnswer };
  }
  // The card may have been drawn anew meanwhile, with another form in this one's place.
  if (!form.isConnected) form = document.getElementById(form.id) ?? form;
  select.setCustomValidity(made.error ?? "");
  if (made.error) {
    select.reportValidity();
    return;
  }
  const before = form.querySelector("trix-editor")?.editor?.getDocument().toString().trim() ?? form.querySelector("textarea[name=text]").value.trim();
  const own = before && before !== form.dataset.filled;
  if (own && !confirm(words.replaceText)) {
    select.value = "";
    return;
  }
  form.elements.subject.value = made.subject;
  for (const error of form.querySelectorAll(".field-error")) error.remove();
  form.elements.letterhead.checked = made.letterhead;
  const area = form.querySelector("textarea[name=text]");
  try {
    if (area.dataset.rich) await dress(area);
  } catch {
    // The editor does not come: the plain text then holds what the template says.
  }
  const editor = form.querySelector("trix-editor");
  if (!editor?.editor) {
    area.value = new DOMParser().parseFromString(made.html, "text/html").body.innerText;
    form.dataset.filled = area.value.trim();
    return;
  }
  editor.editor.setSelectedRange([0, editor.editor.getDocument().getLength()]);
  editor.editor.insertHTML(made.html);
  form.dataset.filled = editor.editor.getDocument().toString().trim();
});
