"""What each page shows and does. Whether its visitor may open it was decided before (see :mod:`rastro.pages.app`)."""

import re
import sys
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from importlib.resources import files
from secrets import token_hex
from typing import Annotated

from fastapi import Depends, HTTPException, Request
from fastapi.responses import RedirectResponse, Response

from rastro.claim_sheet import TITLES, rows_of, said_of
from rastro.claims import NEXT, ClaimState, Reason, objection, rule_for
from rastro.errors import Misconfigured
from rastro.mail.compose import address_hash
from rastro.models import NoticeState
from rastro.next_look import LOCAL, next_look
from rastro.numbers import numbers_in
from rastro.pages import access, figures
from rastro.pages.access import DAGS, Visiting
from rastro.pages.acts import ACTS, LABELS, fields_of, wish_of, wish_of_many
from rastro.pages.letter import letter as letter  # noqa: PLC0414  a page that has a file of its own
from rastro.pages.letter import plot as plot  # noqa: PLC0414  likewise
from rastro.pages.rendering import link, page
from rastro.sheets import Cell, as_csv, as_workbook
from rastro.warehouse import by_hand, claims, lookup, tally
from rastro.wishes import OF_CLAIMS, TOLD, Action, wishes_in

HOUR = timedelta(hours=1)
SEPARATOR = "\x1f"  # between the values that say where a page of a list ended
FIELDS_MOST = 40


def overview(request: Request, visitor: Visiting, carrier: str = "") -> Response:
    with access.warehouse() as conn:
        counts = tally.read(conn, ["shipment", "delivery", "notice", "problem", "coverage"])
    days = figures.coverage(counts, carrier)
    lines = figures.parcels(counts)
    return page(
        request,
        "overview.html",
        visitor,
        counted_at=max((one.counted_at for one in counts), default=None),
        groups=figures.GROUPS,
        lines=lines,
        totals=[sum(column) for column in zip(*(line.figures for line in lines), strict=True)],
        bars=[(line, figures.stretches(line, max(one.total for one in lines))) for line in lines[:12]],
        statuses=figures.statuses(counts),
        states=list(NoticeState),
        notices=figures.notices(counts),
        problems=figures.problems(counts),
        deliveries=figures.deliveries(counts, datetime.now(LOCAL).date()),
        days=days,
        gap=figures.first_and_last_gap(days),
        carrier=carrier,
        carriers=sorted({one.part for one in counts if one.subject == "coverage"}),
    )


def style(visitor: Visiting) -> Response:  # noqa: ARG001  the same for everybody who may look
    text = files("rastro.pages").joinpath("style.css").read_text("utf-8")
    return Response(text, media_type="text/css", headers={"Cache-Control": "private, max-age=3600"})


def search(request: Request, visitor: Visiting, q: str = "") -> Response:
    numbers = numbers_in(q[:20_000])
    found = []
    if numbers:
        with access.warehouse() as conn:
            found = lookup.by_numbers(conn, numbers)
    known = {number for row in found for number in (row.tracking_number, row.order_id)}
    known |= {number.upper() for number in known}
    missing = [number for number in numbers if number not in known and number.upper() not in known]
    return page(request, "search.html", visitor, q=q, found=found, missing=missing, most=lookup.MOST, asked=bool(q))


async def posted(request: Request) -> Mapping[str, str]:
    """The fields of a form, a file among them as its text."""
    filled: dict[str, str] = {}
    async with request.form(max_files=1, max_fields=FIELDS_MOST) as form:
        for name, value in form.items():
            if isinstance(value, str):
                filled[name] = value
            elif body := await value.read():
                try:
                    filled[name] = body.decode("utf-8-sig")
                except UnicodeDecodeError:
                    filled[name] = body.decode("cp1252", errors="replace")  # as spreadsheets write it
    return filled


Filled = Annotated[Mapping[str, str], Depends(posted)]


def search_address(request: Request, visitor: Visiting, filled: Filled) -> Response:
    """By a form that is posted, so that no address stands in an address line or a log."""
    address, found = filled.get("address", "").strip(), []
    if address:
        with access.warehouse() as conn:
            found = lookup.by_recipient(conn, address_hash(address, access.address_key(conn)))
    return page(
        request, "search.html", visitor, q="", found=found, missing=[] if found else ["this address"],
        most=lookup.MOST, asked=True,
    )  # fmt: skip


def shipment(request: Request, visitor: Visiting, shipment_id: int) -> Response:
    if not 0 < shipment_id <= sys.maxsize:
        raise HTTPException(404, "There is no such parcel.")
    with access.warehouse() as conn:
        parcel = lookup.shipment(conn, shipment_id)
        if parcel is None:
            raise HTTPException(404, "There is no such parcel.")
        history = lookup.history(conn, parcel)
        aside = lookup.put_aside(conn, parcel)
        claim = claims.one(conn, shipment_id)
        acts = lookup.acts_on(conn, parcel) if visitor.acts else []
    carrier = access.carriers().get(parcel.carrier or "")
    return page(
        request,
        "shipment.html",
        visitor,
        parcel=parcel,
        **history,
        aside=aside,
        claim=claim,
        acts=acts,
        next_look=next_look(parcel, access.settings().pace, datetime.now(UTC)),
        carrier_name=carrier.name if carrier else "",
        carrier_page=carrier.page_about(parcel.tracking_number) if carrier and parcel.tracking_number else "",
        buttons=BUTTONS,
    )


# What is offered on a parcel's page, in this order; a claim that there is has a page of its own.
BUTTONS = {
    name: act.title
    for name, act in ACTS.items()
    if ("numbers" in act.fields or name is Action.RETRY_QUARANTINE)
    and OF_CLAIMS.get(name, ClaimState.OPEN) is ClaimState.OPEN
}


def claims_page(
    request: Request, visitor: Visiting, carrier: str = "", state: str = "open", reason: str = "", after: str = ""
) -> Response:
    wanted = claims.Wanted(carrier=carrier, state=state, reason=reason)
    try:
        ended, _, number = after.partition(" ")
        began = (date.fromisoformat(ended), min(int(number), sys.maxsize)) if after else (claims.FIRST_DAY, 0)
    except ValueError:
        raise HTTPException(404, "There is no such page.") from None
    with access.warehouse() as conn:
        sums = claims.summed(conn)
        rows = claims.listed(conn, wanted, began, claims.PAGE + 1)
    more, rows = rows[claims.PAGE :], rows[: claims.PAGE]
    days = access.settings().claim_days
    return page(
        request,
        "claims.html",
        visitor,
        money=figures.money(sums),
        ready=[(row, rule_for(row.carrier, days)) for row in sums if row.state == ClaimState.OPEN],
        carriers=sorted({row.carrier for row in sums}),
        reasons=list(Reason),
        wanted=wanted,
        rows=rows,
        said_of=said_of,
        today=datetime.now(LOCAL).date(),
        next_place=f"{rows[-1].until} {rows[-1].shipment_id}" if more else "",
    )


def claim(request: Request, visitor: Visiting, shipment_id: int) -> Response:
    if not 0 < shipment_id <= sys.maxsize:
        raise HTTPException(404, "There is no such claim.")
    with access.warehouse() as conn:
        one, parcel = claims.one(conn, shipment_id), lookup.shipment(conn, shipment_id)
        if one is None or parcel is None:
            raise HTTPException(404, "There is no such claim.")
        events = lookup.history(conn, parcel)["events"]
        estimates = claims.estimates(conn, shipment_id)
        acts = lookup.acts_on(conn, parcel) if visitor.acts else []
    may = NEXT[ClaimState(one.state)]
    return page(
        request,
        "claim.html",
        visitor,
        claim=one,
        said=said_of(one),
        rule=rule_for(one.carrier, access.settings().claim_days),
        events=events,
        estimates=estimates,
        acts=[act for act in acts if act.action in OF_CLAIMS],
        buttons={action: ACTS[action].title for action, state in OF_CLAIMS.items() if state in may},
    )


def claims_csv(visitor: Visiting, carrier: str = "", state: str = "open", reason: str = "") -> Response:  # noqa: ARG001
    text = as_csv(TITLES, _sheet(carrier, state, reason))
    return _file(text.encode(), "text/csv; charset=utf-8", f"claims {carrier} {state}", "csv")


def claims_workbook(visitor: Visiting, carrier: str = "", state: str = "open", reason: str = "") -> Response:  # noqa: ARG001
    try:
        book = as_workbook(TITLES, _sheet(carrier, state, reason), "claims")
    except ValueError as error:
        raise HTTPException(400, str(error)) from None
    return _file(
        book, "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", f"claims {carrier} {state}", "xlsx"
    )


def _sheet(carrier: str, state: str, reason: str) -> list[list[Cell]]:
    with access.warehouse() as conn:
        rows = claims.listed(conn, claims.Wanted(carrier=carrier, state=state, reason=reason))
    return list(rows_of(rows, access.settings().claim_days))


def _file(body: bytes, kind: str, name: str, ending: str) -> Response:
    today = datetime.now(LOCAL).date()
    safe = re.sub(r"[^a-z0-9_]+", "-", name).strip("-")
    return Response(
        body, media_type=kind, headers={"Content-Disposition": f'attachment; filename="{safe}-{today}.{ending}"'}
    )


def problems(request: Request, visitor: Visiting, kind: str = "", after: str = "") -> Response:
    place = after.split(SEPARATOR) if after else []
    if len(place) not in {0, 5} or not all(re.fullmatch(r"\d{1,18}", one) for one in place[:1]):
        raise HTTPException(404, "There is no such page.")
    with access.warehouse() as conn:
        counts = tally.read(conn, ["problem"])
        rows = lookup.problems(conn, kind, place) if kind else []
    more = rows[lookup.PAGE :]
    rows = rows[: lookup.PAGE]
    last = rows[-1] if more else None
    return page(
        request,
        "problems.html",
        visitor,
        kinds=figures.problems(counts),
        counted_at=max((one.counted_at for one in counts), default=None),
        kind=kind,
        rows=rows,
        next_place=SEPARATOR.join((str(last.place), last.account, last.order_id, last.subject, last.detail))
        if last
        else "",
    )


def hour(request: Request, visitor: Visiting, hour: datetime) -> Response:
    start = hour.replace(minute=0, second=0, microsecond=0)
    if start.tzinfo is None:
        raise HTTPException(404, "An hour is named with its offset.")
    with access.warehouse() as conn:
        counts = [one for one in tally.read(conn, ["coverage"]) if one.since == start]
    carriers = sorted({one.part for one in counts})
    return page(
        request,
        "hour.html",
        visitor,
        start=start,
        end=start + HOUR,
        of=[(carrier, {one.word: one.figure for one in counts if one.part == carrier}) for carrier in carriers],
        runs=access.runs_of_hour(start, start + HOUR),
    )


def run(request: Request, visitor: Visiting, dag_id: str, run_id: str) -> Response:
    found = access.run_of(dag_id, run_id) if dag_id in DAGS else None
    if found is None:
        raise HTTPException(404, "Airflow has no such run, or none any more.")
    with access.warehouse() as conn:
        stages = lookup.stages(conn, run_id)
    return page(request, "run.html", visitor, run=found, stages=stages)


def act_form(
    request: Request,
    visitor: Visiting,
    action: str = "",
    numbers: str = "",
    shipment_ids: str = "",
    notice_ids: str = "",
) -> Response:
    filled = {"action": action, "numbers": numbers, "shipment_ids": shipment_ids, "notice_ids": notice_ids}
    return _act_page(request, visitor, filled)


def act(request: Request, visitor: Visiting, filled: Filled) -> Response:
    try:
        wish = wish_of(filled)
        if filled.get("action") in OF_CLAIMS:
            not_overtaken(wish)
        return _begun(request, access.trigger(visitor, wish, filled.get("once", "")))
    except Misconfigured as error:
        return _act_page(request, visitor, filled, wrong=str(error))


def not_overtaken(wish: Mapping[str, str]) -> None:
    """
    :raises Misconfigured: somebody else has moved one of the claims on since this form was opened.
    """
    (wanted,) = wishes_in(wish)
    with access.warehouse() as conn:
        parcels = [one for one in by_hand.parcels(conn, wanted.numbers, wanted.shipment_ids) if not one.skip]
        wrong = [objection(one.name, claims.held(conn, one.shipment_id), OF_CLAIMS[wanted.action]) for one in parcels]
    if said := [one for one in wrong if one]:
        raise Misconfigured("Nothing was done. " + "; ".join(said[:20]))


def _act_page(request: Request, visitor: Visiting, filled: Mapping[str, str], wrong: str = "") -> Response:
    return page(
        request,
        "act.html",
        visitor,
        status=400 if wrong else 200,
        action=filled.get("action", ""),
        acts=ACTS,
        fields_of=fields_of,
        labels=LABELS,
        filled=filled,
        wrong=wrong,
        statuses=TOLD,
        reasons=list(Reason),
        carriers=sorted({one.adapter for one in access.settings().carriers}),
        once=once(),
        now=datetime.now(LOCAL).strftime("%Y-%m-%dT%H:%M"),
    )


def csv_form(request: Request, visitor: Visiting) -> Response:
    return _csv_page(request, visitor, {})


def act_by_csv(request: Request, visitor: Visiting, filled: Filled) -> Response:
    try:
        wish = wish_of_many(filled.get("file") or filled.get("csv", ""), filled.get("reason", ""))
        return _begun(request, access.trigger(visitor, wish, filled.get("once", "")))
    except Misconfigured as error:
        return _csv_page(request, visitor, filled, wrong=str(error))


def _csv_page(request: Request, visitor: Visiting, filled: Mapping[str, str], wrong: str = "") -> Response:
    return page(
        request, "csv.html", visitor, status=400 if wrong else 200, filled=filled, wrong=wrong, acts=ACTS, once=once()
    )


def once() -> str:
    """What tells one sending of a form from another: sent twice, it is done once."""
    return token_hex(8)


def _begun(request: Request, run_id: str) -> Response:
    root = request.scope.get("root_path", "").rstrip("/")
    return RedirectResponse(f"{root}/{link('runs', access.ACT_BY_HAND, run_id)}", 303)


def audit(request: Request, visitor: Visiting, before: int = sys.maxsize) -> Response:
    with access.warehouse() as conn:
        rows = lookup.acts(conn, min(before, sys.maxsize))
    more, rows = rows[lookup.PAGE :], rows[: lookup.PAGE]
    return page(request, "audit.html", visitor, rows=rows, next_before=rows[-1].action_id if more else None)


def backfill(request: Request, visitor: Visiting, filled: Filled) -> Response:
    wrong = ""
    first = last = None
    try:
        first, last = (datetime.fromisoformat(filled.get(name, "")) for name in ("first", "last"))
        if first.tzinfo is None or last.tzinfo is None or first > last:
            wrong = "A backfill goes from an earlier hour to a later one, both named with their offset."
        else:
            access.backfill(visitor, first, last)
    except ValueError:
        wrong = "A backfill needs its first and its last hour."
    except Misconfigured as error:
        wrong = str(error)
    return page(
        request, "backfill.html", visitor, status=400 if wrong else 200, wrong=wrong, first=first, last=last
    )  # fmt: skip
