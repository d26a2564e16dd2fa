"""The operator's report of a run: one HTML page with its plots drawn in, readable without any outside host."""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import func, select

from matcher import plugins
from matcher.domain import NotFound
from matcher.records.store import Store
from matcher.records.tables import Digest, Feedback, Found, Notice, Run
from matcher.reference import codes


def of_run(store: Store, run: str) -> str:
    """The page of a run.  Raises NotFound."""
    facts = gathered(store, run)
    from matcher.outreach.digest_formats._words import templates

    plots = {
        "volumes": _bars({day[5:]: count for day, count in facts["volumes"]}, "Envois par exécution", "digests"),
        "departments": _bars(dict(facts["departments"]), "Lots par département d'exécution", "lots", second=dict(facts["covered"])),
        "trades": _bars(dict(facts["trades"]), "Lots par métier (division CPV)", "lots", second=dict(facts["trades_covered"]), wide=True),
        "exposure": _curve(facts["exposure"]),
    }  # fmt: skip
    return str(templates().get_template("report.html").render(f=facts, plots=plots))


def gathered(store: Store, run: str) -> dict[str, Any]:
    """The figures of the report: of the run, and of the lots now matched in the store (unpublished needs left out)."""
    with store.reading() as connection:
        state = connection.execute(select(Run.state).where(Run.id == run)).scalar()
        if state is None:
            raise NotFound(f"no run {run}: `matcher batch` prints the id of each")
        at = datetime.fromisoformat(state["started"])
        public = (Notice.owner == "") & (Notice.matched_at.is_not(None))
        notices = connection.execute(select(Notice.id, Notice.tender, Notice.matched_at).where(public)).all()
        per_lot: Mapping[tuple[str, str], int] = {
            (row.notice_id, row.lot_id): row.n
            for row in connection.execute(
                select(Found.notice_id, Found.lot_id, func.count().label("n"))
                .join(Notice, Notice.id == Found.notice_id)
                .where(public)
                .group_by(Found.notice_id, Found.lot_id)
            )
        }
        shown = Counter(
            dict(
                connection.execute(
                    select(Found.siret, func.count())
                    .join(Notice, Notice.id == Found.notice_id)
                    .where(public)
                    .group_by(Found.siret)
                ).all()
            )
        )
        last = select(Run.state).where(Run.finished_at.is_not(None)).order_by(Run.started_at.desc()).limit(30)
        states = list(connection.execute(last).scalars())
        digests = dict(connection.execute(select(Digest.status, func.count()).group_by(Digest.status)).all())
        words = dict(connection.execute(select(Feedback.verb, func.count()).group_by(Feedback.verb)).all())
    departments, covered, trades, trades_covered = (
        Counter[str](),
        Counter[str](),
        Counter[str](),
        Counter[str](),
    )
    empty = []
    for row in notices:
        if row.matched_at != at:
            continue
        for lot in row.tender["lots"]:
            has = per_lot.get((row.id, lot["id"]), 0)
            where = {p["department"] for p in lot["places"] if p["department"]} or {"non précisé"}
            trade = _trade(lot["cpv"][0]) if lot["cpv"] else "sans CPV"
            trades[trade] += 1
            departments.update(where)
            if has:
                covered.update(where)
                trades_covered[trade] += 1
            else:
                empty.append({"notice": row.id, "lot": lot["number"], "title": lot["title"][:120], "trade": trade,
                              "where": ", ".join(sorted(where))})  # fmt: skip
    exposure = sorted(shown.values(), reverse=True)
    return {
        "run": state, "digests": digests, "words": words, "empty": empty[:200], "empty_count": len(empty),
        "volumes": [(s["started"][:10], s["digests"]) for s in reversed(states)],
        "departments": departments.most_common(25), "covered": covered.most_common(),
        "trades": trades.most_common(15), "trades_covered": trades_covered.most_common(),
        "exposure": exposure, "exposed": len(exposure), "top_tenth": _share(exposure),
    }  # fmt: skip


def _trade(cpv: str) -> str:
    label = codes.cpv_label(cpv[:2] + "000000")
    return f"{cpv[:2]} {label}"[:45] if label else f"CPV {cpv[:2]}"


def _share(values: list[int]) -> float | None:
    """The share of all matches that the most shown tenth of structures holds; None without any."""
    if not values:
        return None
    return sum(values[: max(1, len(values) // 10)]) / sum(values)


def _figure(width: float, height: float) -> tuple[Any, Any]:
    with plugins.optional("night", "a chart of the report"):
        from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), layout="constrained")
    return figure, figure.subplots()


def _svg(figure: Any) -> str:
    import matplotlib as mpl

    sink = io.StringIO()
    with mpl.rc_context({"svg.fonttype": "none", "svg.hashsalt": "maillage"}):
        figure.savefig(sink, format="svg", metadata={"Date": None, "Creator": None})
    text = sink.getvalue()
    return text[text.index("<svg") :]


def _bars(
    values: dict[str, int], title: str, what: str, second: dict[str, int] | None = None, wide: bool = False
) -> str:
    if not values:
        return ""
    figure, axes = _figure(8, 1.2 + 0.28 * len(values)) if wide else _figure(8, 3)
    names = [name.replace("$", r"\$") for name in values]
    counts = list(values.values())
    have = [(second or {}).get(name, 0) for name in values]
    if wide:
        axes.barh(names, counts, color="#c9c9c4", label=what)
        if second is not None:
            axes.barh(names, have, color="#0b4f8a", label="avec au moins une structure")
        axes.invert_yaxis()
    else:
        axes.bar(names, counts, color="#c9c9c4" if second is not None else "#0b4f8a", label=what)
        if second is not None:
            axes.bar(names, have, color="#0b4f8a", label="avec au moins une structure")
        axes.tick_params(axis="x", rotation=60 if len(names) > 12 else 0)
    if second is not None:
        axes.legend(frameon=False)
    axes.set_title(title, loc="left")
    axes.spines[["top", "right"]].set_visible(False)
    return _svg(figure)


def _curve(exposure: list[int]) -> str:
    if not exposure:
        return ""
    figure, axes = _figure(8, 3)
    total, running, shares = sum(exposure), 0, [0.0]
    for value in exposure:
        running += value
        shares.append(running / total)
    axes.plot([i / len(exposure) for i in range(len(exposure) + 1)], shares, color="#0b4f8a")
    axes.plot([0, 1], [0, 1], color="#c9c9c4", linestyle="--")
    axes.set_title(
        "Exposition : part des propositions tenue par les structures les plus montrées", loc="left"
    )
    axes.set_xlabel("part des structures montrées au moins une fois")
    axes.spines[["top", "right"]].set_visible(False)
    return _svg(figure)
