// Comfort only: completion of communes, a dropped notice, printing. Everything works without it.
"use strict";
const place = document.getElementById("place"), list = document.getElementById("communes");
if (place && list) {
  let timer, last = "";
  place.addEventListener("input", () => {
    clearTimeout(timer);
    const q = place.value.trim();
    if (q.length < 2 || q === last) return;
    timer = setTimeout(async () => {
      last = q;
      const answer = await fetch("/v1/places?limit=8&q=" + encodeURIComponent(q)).catch(() => null);
      if (!answer || !answer.ok) return;
      list.replaceChildren(...(await answer.json()).items.map((c) => {
        const option = document.createElement("option");
        option.value = c.name + " (" + c.department + ")";
        return option;
      }));
    }, 150);
  });
}
const need = document.getElementById("need"), file = document.getElementById("file");
if (need && file) {
  need.addEventListener("dragover", (event) => event.preventDefault());
  need.addEventListener("drop", (event) => {
    if (event.dataTransfer && event.dataTransfer.files.length) { event.preventDefault(); file.files = event.dataTransfer.files; }
  });
}
for (const button of document.querySelectorAll("[data-print]")) { button.hidden = false; button.addEventListener("click", () => window.print()); }
