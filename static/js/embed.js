// Dealwright: puts a form where this script (or its plain link) stands, in a frame of the right height.
(function () {
  var script = document.currentScript;
  var origin = new URL(script.src).origin;
  var slug = script.dataset.form;
  var link = document.querySelector('a[data-crm-form="' + slug + '"]');
  var query = new URLSearchParams({ embed: "1", page: location.href.slice(0, 300), referrer: document.referrer.slice(0, 300) });
  new URLSearchParams(location.search).forEach(function (value, name) {
    if (name.indexOf("utm_") === 0) query.set(name, value.slice(0, 300));
  });
  var frame = document.createElement("iframe");
  frame.src = origin + "/f/" + encodeURIComponent(slug) + "/?" + query;
  frame.title = (link && link.textContent) || "Form";
  frame.setAttribute("sandbox", "allow-forms allow-scripts allow-same-origin allow-popups allow-top-navigation-by-user-activation");
  frame.style.cssText = "width:100%;border:0;height:520px;color-scheme:normal";
  addEventListener("message", function (event) {
    if (event.source === frame.contentWindow && event.origin === origin && event.data && event.data.dealwright) {
      frame.style.height = Math.min(4000, Math.max(80, Number(event.data.height) || 0)) + "px";
      if (link) link.remove(), (link = null);
    }
  });
  // The plain link stays until the frame has spoken: a blocked frame leaves a way in.
  var place = link || script;
  place.parentNode.insertBefore(frame, place);
})();
