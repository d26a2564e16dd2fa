"""The operator's report of a run: one HTML page with its plots embedded, readable without any outside host."""

from __future__ import annotations

import io
from collections.abc import Collection, Iterable
from datetime import datetime
from itertools import accumulate
from typing import TYPE_CHECKING, Any

from sqlalchemy import func, select

from matcher import plugins
from matcher.domain import NotFound
from matcher.outreach.cases import LEVEL
from matcher.outreach.digest_formats import templates
from matcher.records import feedback
from matcher.records.store import Store
from matcher.records.tables import Digest, Feedback, Found, Notice, Run
from matcher.reference import codes

if TYPE_CHECKING:
    import pandas as pd


#: States of a digest, versions and reasons of a hold, in French.
STATES = {
    "composing": "en rédaction", "held": "retenus", "ready": "prêts", "sending": "incertains", "sent": "envoyés",
    "failed": "refusés", "cancelled": "annulés", "no-address": "sans adresse", "dropped": "écartés pour de bon",
}  # fmt: skip
VERSIONS = {
    "code": "programme", "data": "données", "built": "catalogue du", "recipe": "recette", "encoder": "encodeur",
    "ranker": "jugement", "rotation": "rotation",
}  # fmt: skip
#: A key of `intake.HELD` -> why digests are held, in French.
HOLDS = {
    "": "", "asked": "à la demande de l'exploitant (--hold)", "first": "trop de messages sans trois exécutions pour comparer",
    "volume": "bien plus de messages que d'habitude",
}  # fmt: skip
BLUE, GREY = "#0b4f8a", "#c9c9c4"


def of_run(store: Store, run: str) -> str:
    """The page of a run.  Raises NotFound."""
    facts = gathered(store, run)
    plots = {
        "volumes": _bars(
            {f"{day[8:10]}/{day[5:7]}": count for day, count in facts["volumes"]},
            "Messages par exécution",
            "messages",
        ),
        "departments": _bars(
            dict(facts["departments"]),
            "Lots par département d'exécution",
            "lots",
            second=dict(facts["covered"]),
        ),
        "trades": _bars(
            dict(facts["trades"]),
            "Lots par métier (division CPV)",
            "lots",
            second=dict(facts["trades_covered"]),
            wide=True,
        ),
        "exposure": _curve(facts["exposure"]),
    }
    return str(templates().get_template("report.html").render(f=facts, plots=plots))


def gathered(store: Store, run: str) -> dict[str, Any]:
    """The figures of the report: of the run, and of the lots now matched in the store (unpublished needs left out)."""
    public = (Notice.owner == "") & (Notice.matched_at.is_not(None))
    with store.reading() as connection:
        state = connection.execute(select(Run.state).where(Run.id == run)).scalar()
        if state is None:
            raise NotFound(f"no run {run}: `matcher batch` prints the id of each")
        matched_at = Notice.matched_at == datetime.fromisoformat(state["started"])
        notices = connection.execute(select(Notice.id, Notice.tender).where(public, matched_at)).all()
        joined = (Notice, Notice.id == Found.notice_id)
        lots_at = select(Found.notice_id, Found.lot_id).distinct().join(*joined).where(public)
        served, clause = (
            {(row.notice_id, row.lot_id) for row in connection.execute(lots_at.where(LEVEL.in_([level])))}
            for level in ("likely", "clause")
        )
        told = LEVEL.in_(("likely", "clause"))  # as digests do
        appearances = (
            select(func.count()).select_from(Found).join(*joined).where(told, public).group_by(Found.siret)
        )
        exposure = sorted(connection.execute(appearances).scalars(), reverse=True)
        last = select(Run.state).where(Run.finished_at.is_not(None)).order_by(Run.started_at.desc()).limit(30)
        states = list(connection.execute(last).scalars())
        digests = dict(connection.execute(select(Digest.status, func.count()).group_by(Digest.status)).all())
        words = dict(connection.execute(select(Feedback.verb, func.count()).group_by(Feedback.verb)).all())
    lots = _lots(notices, served, clause)
    places = lots.explode("departments")
    empty = lots[~lots["served"] & ~lots["by_clause"]]
    return {
        "run": state,
        "held": HOLDS.get(state["held"], state["held"]),
        "versions": {VERSIONS.get(k, k): v for k, v in state["versions"].items()},
        "digests": {STATES.get(k, k): v for k, v in digests.items()},
        "words": {feedback.VERBS[k][0] if k in feedback.VERBS else k: v for k, v in words.items()},
        "empty_count": len(empty),
        "empty": empty[["notice", "lot", "title", "trade", "where"]].head(200).to_dict("records"),
        "volumes": [(s["started"][:10], s["digests"]) for s in reversed(states)],
        "departments": _counts(places["departments"], 25),
        "covered": _counts(places["departments"][places["served"]]),
        "trades": _counts(lots["trade"], 15),
        "trades_covered": _counts(lots["trade"][lots["served"]]),
        "exposure": exposure,
        "exposed": len(exposure),
        # the share of all matches that the most shown tenth of structures holds
        "top_tenth": sum(exposure[: max(1, len(exposure) // 10)]) / sum(exposure) if exposure else None,
    }


def _lots(
    notices: Iterable[Any], served: Collection[tuple[str, str]], clause: Collection[tuple[str, str]]
) -> pd.DataFrame:
    """A row for each lot: notice, number, title, trade, departments, whether any structure was found, or by the clause."""
    import pandas as pd

    rows = []
    for notice in notices:
        for lot in notice.tender["lots"]:
            named = sorted({p["department"] for p in lot["places"] if p["department"]})
            departments = named or ["non précisé"]
            division = lot["cpv"][0][:2] if lot["cpv"] else ""
            label = codes.cpv_label(f"{division}000000") if division else "sans CPV"
            trade = f"{division} {label}".strip()[:45] if label else f"CPV {division}"
            key = (notice.id, lot["id"])
            rows.append(
                (
                    notice.id,
                    lot["number"],
                    lot["title"][:120],
                    trade,
                    departments,
                    ", ".join(departments),
                    key in served,
                    key in clause,
                )
            )
    names = ["notice", "lot", "title", "trade", "departments", "where", "served", "by_clause"]
    return pd.DataFrame(rows, columns=names).astype({"served": bool, "by_clause": bool})


def _counts(values: pd.Series[Any], most: int | None = None) -> list[tuple[str, int]]:
    """(value, how often), the most frequent first."""
    counted = values.value_counts(sort=False).sort_values(ascending=False, kind="stable")
    return [(str(value), int(count)) for value, count in counted.items()][:most]


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
    draw = axes.barh if wide else axes.bar
    draw(names, counts, color=BLUE if second is None else GREY, label=what)
    if second is not None:
        draw(names, have, color=BLUE, label="avec au moins une structure")
        axes.legend(frameon=False)
    if wide:
        axes.invert_yaxis()
    else:
        axes.tick_params(axis="x", rotation=60 if len(names) > 12 else 0)
    axes.set_title(title, loc="left")
    axes.spines[["top", "right"]].set_visible(False)
    return _svg(figure)


def _curve(exposure: list[int]) -> str:
    if not exposure:
        return ""
    figure, axes = _figure(8, 3)
    total = sum(exposure)
    shares = [running / total for running in accumulate(exposure, initial=0)]
    axes.plot([i / len(exposure) for i in range(len(exposure) + 1)], shares, color=BLUE)
    axes.plot([0, 1], [0, 1], color=GREY, linestyle="--")
    axes.set_title(
        "Exposition : part des propositions tenue par les structures les plus montrées", loc="left"
    )
    axes.set_xlabel("part des structures montrées au moins une fois")
    axes.spines[["top", "right"]].set_visible(False)
    return _svg(figure)
