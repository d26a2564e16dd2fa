/* A search box for a portal: <script src="https://SERVICE/static/search-box.js"></script><maillage-search></maillage-search>
   Shadow DOM keeps its styles and the page's apart; no cookie is sent or set; every text is written as text.
   Attributes: place, n (5), base (where the script comes from). Theme: --maillage-color, -background, -text, -radius, -font. */
(() => {
  const home = new URL(document.currentScript.src).origin;
  const style = new CSSStyleSheet();
  style.replaceSync(`
    .box { all: initial; display: block; font: 1rem/1.5 var(--maillage-font, system-ui, sans-serif); color: var(--maillage-text, #1d2330); }
    form { display: grid; gap: .5rem; padding: 1rem; background: var(--maillage-background, #f4f6fa); border-radius: var(--maillage-radius, 6px); }
    label { font-weight: 600; }
    input, textarea { font: inherit; color: inherit; background: #fff; border: 1px solid #6b7280; border-radius: 4px; padding: .4rem .5rem; width: 100%; box-sizing: border-box; }
    button { font: inherit; justify-self: start; padding: .45rem 1rem; border: 0; border-radius: 4px; color: #fff; background: var(--maillage-color, #1a4f8a); cursor: pointer; }
    a { color: var(--maillage-color, #1a4f8a); }
    :focus-visible { outline: 3px solid var(--maillage-color, #1a4f8a); outline-offset: 2px; }
    ol { padding-left: 1.5rem; } li { margin: .6rem 0; } p { margin: .3rem 0; } .meta { font-size: .9rem; color: #4b5563; }`);

  const make = (tag, text, more) => Object.assign(document.createElement(tag), { textContent: text || "" }, more);

  class Search extends HTMLElement {
    connectedCallback() {
      if (this.shadowRoot) return;
      const root = this.attachShadow({ mode: "open" });
      root.adoptedStyleSheets = [style];
      this.need = make("textarea", "", { id: "need", rows: 2, maxLength: 2000, required: true });
      this.place = make("input", "", { id: "place", maxLength: 100, value: this.getAttribute("place") || "" });
      this.shown = make("div");
      this.shown.setAttribute("role", "status");
      const form = make("form");
      form.append(
        make("label", "Votre besoin", { htmlFor: "need" }), this.need,
        make("label", "Lieu (commune, code postal, département)", { htmlFor: "place" }), this.place,
        make("button", "Trouver des structures"));
      form.addEventListener("submit", (event) => { event.preventDefault(); this.ask(); });
      const box = make("div", "", { className: "box" }); // all: initial there, since a page may style the element itself
      box.append(form, this.shown);
      root.append(box);
    }

    get base() { return (this.getAttribute("base") || home).replace(/\/$/, ""); }

    async ask() {
      this.shown.replaceChildren(make("p", "Recherche…"));
      const body = { need: this.need.value, place: this.place.value, n: Number(this.getAttribute("n")) || 5, groups: 0 };
      try {
        const answer = await fetch(this.base + "/v1/match", {
          method: "POST", credentials: "omit", referrerPolicy: "no-referrer",
          headers: { "content-type": "application/json" }, body: JSON.stringify(body),
        });
        const result = await answer.json();
        this.shown.replaceChildren(...(answer.ok ? this.lots(result) : [make("p", result.detail)]));
      } catch {
        this.shown.replaceChildren(make("p", "Le service ne répond pas : réessayez dans un instant."));
      }
    }

    lots(result) {
      const parts = result.place_choices.length ? [make("p", "Précisez le lieu : " + result.place_choices.join(", ") + ".")] : [];
      for (const lot of result.lots) {
        if (lot.nobody) parts.push(make("p", "Aucune structure adaptée."), ...lot.relaxations.map((one) => make("p", one, { className: "meta" })));
        else {
          const list = make("ol");
          list.append(...lot.matches.map((match) => this.line(match)));
          parts.push(list);
        }
      }
      parts.push(make("p", result.note, { className: "meta" }));
      return parts;
    }

    line(match) {
      const one = match.structure, item = make("li");
      const link = make("a", one.name, { href: this.base + "/structure/" + encodeURIComponent(one.siret), target: "_blank", rel: "noopener noreferrer" });
      const away = match.distance_km === null ? "distance inconnue" : Math.round(match.distance_km) + " km";
      const why = match.reasons.filter((reason) => ["likely_trade", "likely_place"].includes(reason.code)).map((reason) => reason.text);
      item.append(link, make("span", " — " + match.band), make("p", [one.kind, one.town, away].filter(Boolean).join(" · "), { className: "meta" }),
        make("p", why.join(" ; ")), make("p", "Source : " + (one.source || "inconnue") + (one.updated ? ", " + one.updated : ""), { className: "meta" }));
      return item;
    }
  }
  customElements.define("maillage-search", Search);
})();
