// The customer's page of a paper lets them draw their name.
(() => {
  const pad = document.getElementById("pad");
  if (!pad) return;
  document.getElementById("pad-field").hidden = false;
  const pen = pad.getContext("2d");
  const out = document.getElementById("signature");
  pen.lineWidth = 3;
  pen.lineCap = pen.lineJoin = "round";
  pen.strokeStyle = "#14213d";
  const place = (event) => {
    const box = pad.getBoundingClientRect();
    return [((event.clientX - box.left) * pad.width) / box.width, ((event.clientY - box.top) * pad.height) / box.height];
  };
  let down = false;
  pad.addEventListener("pointerdown", (event) => {
    down = true;
    pad.setPointerCapture(event.pointerId);
    pen.beginPath();
    pen.moveTo(...place(event));
  });
  pad.addEventListener("pointermove", (event) => {
    if (!down) return;
    pen.lineTo(...place(event));
    pen.stroke();
  });
  for (const name of ["pointerup", "pointercancel"])
    pad.addEventListener(name, () => {
      if (down) out.value = pad.toDataURL("image/png");
      down = false;
    });
  document.getElementById("pad-clear").addEventListener("click", () => {
    pen.clearRect(0, 0, pad.width, pad.height);
    out.value = "";
  });
})();
