// Comfort only: completion of communes, list and map that answer to each other.  All works without it.
"use strict";
const all = (query) => document.querySelectorAll(query);
for (const place of all("#place")) {
  const list = document.getElementById("communes");
  let timer, last = "";
  if (list) place.addEventListener("input", () => {
    clearTimeout(timer);
    const q = place.value.trim();
    if (q.length < 2 || q === last) return;
    timer = setTimeout(async () => {
      last = q;
      const answer = await fetch("/acheteur/lieux?q=" + encodeURIComponent(q)).catch(() => null);
      if (!answer || !answer.ok) return;
      list.replaceChildren(...(await answer.json()).map((name) => {
        const option = document.createElement("option");
        option.value = name;
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
for (const button of all("[data-print]")) {
  button.hidden = false;
  button.addEventListener("click", () => window.print());
  if (button.dataset.print === "now") addEventListener("load", () => setTimeout(() => window.print(), 100));
}
for (const button of all("[data-copy]")) if (navigator.clipboard) {
  button.hidden = false;
  button.addEventListener("click", async () => { await navigator.clipboard.writeText(location.href); button.textContent = "Lien copié"; });
}
for (const zoom of all("[data-zoom]")) {
  const svg = zoom.parentElement.querySelector("svg"), whole = svg.viewBox.baseVal.width, tall = svg.viewBox.baseVal.height / whole;
  const frame = (x, y, wide) => svg.setAttribute("viewBox", [x, y, wide, wide * tall].join(" "));
  zoom.hidden = false;
  svg.addEventListener("pointermove", (event) => {  // an enlarged map is drawn along
    const box = svg.viewBox.baseVal, by = box.width / svg.clientWidth;
    if (event.buttons === 1 && box.width < whole) frame(box.x - event.movementX * by, box.y - event.movementY * by, box.width);
  });
  zoom.addEventListener("click", (event) => {
    if (!event.target.value) return;
    const box = svg.viewBox.baseVal, wide = Math.min(whole, Math.max(whole / 16, box.width * event.target.value)), by = wide / box.width;
    frame(box.x + (box.width - wide) / 2, box.y + (box.height - wide * tall) / 2, wide);
    for (const g of svg.querySelectorAll("g[transform]")) g.setAttribute("transform", g.getAttribute("transform").replace(/scale\((.*?)\)/, (_, k) => "scale(" + k * by + ")"));
  });
}
for (const tab of all(".tabs [aria-current]")) tab.closest("ul").scrollLeft = tab.offsetLeft - 40;  // one line on a telephone
const pops = all(".facet, .fix");
document.addEventListener("click", (event) => { for (const pop of pops) if (!pop.contains(event.target)) pop.open = false; });
document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  for (const pop of pops) if (pop.open) { pop.open = false; pop.querySelector("summary").focus(); }
});
const unfold = () => {  // a link to a field in a fold opens it
  const field = location.hash.length > 1 && document.getElementById(decodeURIComponent(location.hash.slice(1)));
  const fold = field && field.closest("details:not([open])");
  if (fold) { fold.open = true; field.focus(); field.scrollIntoView({ block: "center" }); }
};
addEventListener("hashchange", unfold);
unfold();
const problem = document.getElementById("probleme");
if (problem) problem.focus();
for (const form of all("form.results")) {
  const missing = form.querySelector("[data-missing]"), ticked = () => form.querySelectorAll("input[name=s]:checked").length;
  form.addEventListener("submit", (event) => {
    if (!event.submitter || event.submitter.name !== "faire" || event.submitter.value === "demander" || ticked()) return;
    event.preventDefault();
    missing.textContent = "Rien n’est coché : cochez d’abord une structure au moins dans la liste.";
  });
  form.addEventListener("change", () => { missing.textContent = ""; for (const b of form.querySelectorAll("[value=ecrire]")) b.textContent = "Écrire aux cochées" + (ticked() ? " (" + ticked() + ")" : ""); });
}
for (const point of all(".point")) {
  const row = document.getElementById(point.getAttribute("href").slice(1));
  if (!row) continue;
  const light = (on) => { for (const each of [point, row]) each.classList.toggle("on", on || location.hash === "#" + row.id || (each === point && row.matches(":has(:checked)"))); };
  for (const each of [point, row]) for (const [event, on] of [["mouseenter", true], ["focusin", true], ["mouseleave", false], ["focusout", false]]) each.addEventListener(event, () => light(on));
  row.addEventListener("change", () => light(true));
  addEventListener("hashchange", () => light(false));
  point.addEventListener("click", () => { const fold = row.closest("details.level"); if (fold) fold.open = true; });
}
