// Polling: jitter, none while hidden, back-off on errors. `busy()` defers while a drag or a save is on.
import { $, guard, showUnread } from "./app.js";

export function poll({ every, busy, ask, onChange }) {
  let wait = every;
  let pending = false;
  let asking = false;
  async function refresh() {
    if (busy()) {
      pending = true;
      return;
    }
    if (asking) return;
    pending = false;
    asking = true;
    try {
      const response = guard(await fetch(ask(), { headers: { "HX-Request": "true" } }));
      if (!response.ok) throw new Error(response.status);
      showUnread(response.headers.get("X-Unread"));
      if (response.status === 200) {
        const html = await response.text();
        // A drag may have begun while the answer travelled: throw it away and ask again afterwards.
        if (busy()) pending = true;
        else onChange(html);
      }
      wait = every;
    } catch {
      wait = Math.min(wait * 2, 60000);
    } finally {
      asking = false;
    }
    const chip = $("#offline");
    if (chip) chip.hidden = wait === every;
  }
  const loop = () =>
    setTimeout(
      async () => {
        if (!document.hidden) await refresh();
        loop();
      },
      wait * (0.85 + Math.random() * 0.3),
    );
  loop();
  document.addEventListener("visibilitychange", () => !document.hidden && refresh());
  document.addEventListener("crm:refresh", refresh);
  return { refresh, settle: () => pending && refresh() };
}
