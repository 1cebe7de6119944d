// The list: tick all, and the filter dialog.
import { $, $$ } from "./app.js";

$("#tick-all")?.addEventListener("change", (event) => {
  for (const box of $$('.item-table input[name="id"]')) box.checked = event.target.checked;
});
