// A page of a customer tells once that a person looks at it: shown, and for longer than a preview would.
(() => {
  const place = document.querySelector("[data-seen]");
  let told = false;
  const tell = () => {
    if (told || document.visibilityState !== "visible") return;
    told = true;
    navigator.sendBeacon(place.dataset.seen);
  };
  // A page that is opened and closed at once was not read; one in a hidden tab has not been seen yet.
  const wait = () => document.visibilityState === "visible" && setTimeout(tell, 1200);
  document.addEventListener("visibilitychange", wait);
  wait();
})();
