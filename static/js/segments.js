// How many SMS a text is (GSM 03.38): 160 letters, 153 where there are several; one letter beyond the table makes it 70 and 67.
const BASIC =
  "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà";
const DOUBLE = "^{}\\[~]|€\f";

export function segments(text) {
  const letters = [...text];
  const isBasic = letters.every((letter) => BASIC.includes(letter) || DOUBLE.includes(letter));
  const length = isBasic ? letters.reduce((sum, letter) => sum + (DOUBLE.includes(letter) ? 2 : 1), 0) : text.length;
  const [one, each] = isBasic ? [160, 153] : [70, 67];
  const count = length <= one ? 1 : Math.ceil(length / each);
  return { count, left: (count === 1 ? one : count * each) - length };
}

document.addEventListener("input", (event) => {
  const area = event.target;
  if (!("segments" in (area.dataset ?? {}))) return;
  let line = area.nextElementSibling;
  if (!line?.matches(".sms-count")) {
    line = document.createElement("small");
    line.className = "sms-count text-secondary";
    line.setAttribute("aria-live", "polite");
    area.after(line);
  }
  const { count, left } = segments(area.value);
  line.textContent = area.value ? `${count} × SMS · ${left}` : "";
});
