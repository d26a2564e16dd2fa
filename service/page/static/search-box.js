/* A search box for a portal: <script src="https://SERVICE/static/search-box.js"></script><maillage-search></maillage-search>
   Shadow DOM keeps its styles and the page's apart; no cookie is sent or set; every text is written as text.
   Attributes: place, n (5), base (where the script comes from). Theme: --maillage-color, -background, -text, -radius, -font. */
(() => {
  if (customElements.get("maillage-search")) return; // the script stands twice in the page
  const home = document.currentScript ? new URL(document.currentScript.src).origin : ""; // a module has no currentScript: give `base`
  const PATIENCE = 60000; // milliseconds
  const style = new CSSStyleSheet();
  // fields are as transparent as their text is coloured, and the button's text is the background: any two colours that contrast will do
  style.replaceSync(`
    .box { all: initial; display: block; font: 1rem/1.5 var(--maillage-font, system-ui, sans-serif); padding: 1rem;
      color: var(--maillage-text, #1d2330); background: var(--maillage-background, #f4f6fa); border-radius: var(--maillage-radius, 6px); }
    form { display: grid; gap: .5rem; }
    label { font-weight: 600; }
    input, textarea { font: inherit; color: inherit; background: transparent; border: 1px solid currentColor; border-radius: 4px; padding: .4rem .5rem; width: 100%; box-sizing: border-box; }
    button { font: inherit; justify-self: start; padding: .45rem 1rem; border: 1px solid var(--maillage-color, #1a4f8a); border-radius: 4px;
      color: var(--maillage-background, #f4f6fa); background: var(--maillage-color, #1a4f8a); cursor: pointer; }
    button.choice { margin: 0 .4rem .4rem 0; padding: .1rem .5rem; color: var(--maillage-color, #1a4f8a); background: transparent; }
    a { color: var(--maillage-color, #1a4f8a); }
    :focus-visible { outline: 3px solid var(--maillage-color, #1a4f8a); outline-offset: 2px; }
    h3 { font-size: 1.05rem; margin: 1rem 0 0; } ol { padding-left: 1.5rem; margin: .4rem 0; } li { margin: .6rem 0; overflow-wrap: anywhere; }
    p { margin: .3rem 0; } .meta { font-size: .9rem; } .meta a { margin-right: .8rem; }`);

  const REFUSED = {
    401: "Cette recherche n'est pas ouverte à tous : l'exploitant du service peut l'ouvrir.",
    429: "Beaucoup de demandes en peu de temps : réessayez dans une minute.",
    503: "Le service est très demandé : réessayez dans un instant.",
  };
  const typographic = (text) => String(text).replace(/'/g, "’").replace(/« /g, "«\u00a0").replace(/ ([:;!?»])/g, "\u00a0$1");
  const make = (tag, text, more) => Object.assign(document.createElement(tag), { textContent: typographic(text || "") }, more);
  const link = (text, href, more) => make("a", text, { href, ...more });

  class Search extends HTMLElement {
    connectedCallback() {
      if (this.shadowRoot) return;
      const root = this.attachShadow({ mode: "open" });
      root.adoptedStyleSheets = [style];
      this.need = make("textarea", "", { id: "need", rows: 2, maxLength: 2000, required: true });
      this.place = make("input", "", { id: "place", maxLength: 100, value: this.getAttribute("place") || "" });
      this.said = make("p"); // read aloud: how many; the list is read at leisure
      this.said.setAttribute("role", "status");
      this.shown = make("div");
      const form = make("form");
      form.append(
        make("label", "Votre besoin", { htmlFor: "need" }), this.need,
        make("label", "Lieu (commune, code postal, département)", { htmlFor: "place" }), this.place,
        make("button", "Trouver des structures"));
      form.addEventListener("submit", (event) => { event.preventDefault(); this.ask(); });
      const box = make("div", "", { className: "box", lang: "fr" }); // all: initial there, since a page may style the element itself
      box.append(form, this.said, this.shown);
      root.append(box);
    }

    get base() { return (this.getAttribute("base") || home).replace(/\/$/, ""); }

    say(sentence, ...parts) {
      this.said.textContent = typographic(sentence);
      this.shown.replaceChildren(...parts);
    }

    async ask() {
      if (!/\p{L}/u.test(this.need.value)) return this.say("Dites en quelques mots ce qui est à faire.");
      const turn = (this.turn || 0) + 1; // an answer that a later question overtook is not shown
      this.turn = turn;
      this.say("Recherche…");
      const body = { need: this.need.value, place: this.place.value, n: Number(this.getAttribute("n")) || 5, groups: 0 };
      try {
        const answer = await fetch(this.base + "/v1/match", {
          method: "POST", credentials: "omit", referrerPolicy: "no-referrer", signal: AbortSignal.timeout(PATIENCE),
          headers: { "content-type": "application/json", "accept-language": "fr" }, body: JSON.stringify(body),
        });
        const result = await answer.json();
        if (turn !== this.turn) return;
        if (answer.ok) this.answer(result);
        else this.say(REFUSED[answer.status] || result.detail);
      } catch {
        if (turn === this.turn) this.say("Le service ne répond pas : réessayez dans un instant.");
      }
    }

    answer(result) {
      const lots = result.lots, several = lots.length > 1;
      this.say(
        several ? lots.length + " besoins :" : this.count(lots[0]),
        ...this.choices(result.place_choices),
        ...lots.flatMap((lot) => [
          ...(several ? [make("h3", "Lot " + lot.lot.number + " : " + lot.lot.title), make("p", this.count(lot), { className: "meta" })] : []),
          ...this.lot(lot),
        ]),
        make("p", result.note, { className: "meta" }));
    }

    count(lot) {
      if (lot.calls_for === "unclear") return "Aucun besoin n'est reconnu : écrivez ce qui est à faire, et où.";
      if (lot.nobody) return "Aucune structure adaptée, sur " + lot.considered + " examinées" + (lot.to_ask ? " ; " + lot.to_ask + " à interroger." : ".");
      return lot.likely + " à appeler, " + lot.plausible + " à vérifier, sur " + lot.considered + " structures examinées.";
    }

    choices(names) {
      if (!names.length) return [];
      const said = make("p", "Aucun lieu n'a été retenu ; précisez-le : ");
      said.append(...names.map((name) => make("button", name, {
        className: "choice", type: "button", onclick: () => { this.place.value = name; this.ask(); },
      })));
      return [said];
    }

    lot(lot) {
      const list = (matches) => { const all = make("ol"); all.append(...matches.map((match) => this.line(match))); return all; };
      if (!lot.nobody) return [list(lot.matches)];
      const widen = lot.relaxations.map((one) => make("p", "Pour élargir : " + one, { className: "meta" }));
      return lot.by_clause.length ? [...widen, make("p", "Par une clause sociale, pour des heures d'insertion :"), list(lot.by_clause)] : widen;
    }

    line(match) {
      const one = match.structure, item = make("li");
      const away = match.distance_km === null ? "distance inconnue" : Math.round(match.distance_km) + " km";
      const why = match.reasons.filter((reason) => reason.code === "likely_trade" || reason.code.startsWith("clause-"));
      const reach = make("p", "", { className: "meta" });
      if (one.contact.phone) reach.append(link(one.contact.phone, "tel:" + one.contact.phone.replace(/[^+\d]/g, "")));
      if (one.contact.email) reach.append(link("Courriel", "mailto:" + encodeURIComponent(one.contact.email).replace("%40", "@")));
      if (/^https?:/.test(one.contact.website)) reach.append(link("Site", one.contact.website, { target: "_blank", rel: "noopener noreferrer" }));
      const day = one.updated ? ", " + one.updated.split("-").reverse().join("/") : "";
      item.append(
        link(one.name, this.base + "/structure/" + encodeURIComponent(one.siret), { target: "_blank", rel: "noopener noreferrer" }),
        make("span", match.band ? " – " + match.band : ""),
        make("p", [one.kind, one.town, away].filter(Boolean).join(" · "), { className: "meta" }),
        make("p", why.map((reason) => reason.text).join(" ; ")),
        ...(reach.childNodes.length ? [reach] : []),
        make("p", "Source : " + (one.source_name || "inconnue") + day, { className: "meta" }));
      return item;
    }
  }
  customElements.define("maillage-search", Search);
})();
