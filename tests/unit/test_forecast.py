"""Forecasts, worked out by hand where that can be done, and tried on days gone by where it cannot."""

from collections.abc import Iterable
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from history import sample, simulated
from history.weekdays import weekdays
from rastro import backtest, forecast
from rastro.cli import main
from rastro.cli.forecast_files import read
from rastro.errors import Permanent
from rastro.forecast import LANE, MARKS, Calendars, count, foresee, known_on, learn, pending, together

MONDAY = date(2026, 3, 2)
DAY = timedelta(days=1)
CALENDAR = weekdays(date(2025, 1, 1), 800)
COLUMNS = (*LANE, *MARKS, "ended_on", "cancelled", "promised_on")


def history(*groups: dict[str, Any]) -> pd.DataFrame:
    """Parcels: so many (``parcels``) of each kind, with what is not said left open."""
    rows = [
        {"carrier": "correios", "service": "PAC", "state_from": "SP", "state_to": "RJ", "city_to": "NITEROI",
         "cancelled": False, **group}
        for group in groups for _ in range(group.get("parcels", 1))
    ]  # fmt: skip
    frame = pd.DataFrame(rows, columns=COLUMNS).rename_axis("shipment_id")
    days = [*MARKS, "ended_on", "promised_on"]
    frame[days] = frame[days].astype("datetime64[s]")
    return frame


def delivered(posted: date, on: date, parcels: int = 1, **more: Any) -> dict[str, Any]:
    return {"posted_on": posted, "delivered_on": on, "parcels": parcels, **more}


def said(past: pd.DataFrame, waiting: pd.DataFrame, today: date) -> pd.DataFrame:
    curves = learn(count(known_on(past, today), CALENDAR, today))
    return foresee(curves, pending(known_on(waiting, today)), CALENDAR, today)


# Of a hundred parcels that were posted on a Monday, sixty came on Wednesday and forty on Thursday.
PAST = history(delivered(MONDAY, MONDAY + 2 * DAY, 60), delivered(MONDAY, MONDAY + 3 * DAY, 40))
TUESDAY = MONDAY + 8 * DAY


def test_a_parcel_is_told_by_what_those_did_that_had_come_as_far() -> None:
    waiting = history({"posted_on": MONDAY + 7 * DAY, "promised_on": MONDAY + 9 * DAY})
    (row,) = said(PAST, waiting, TUESDAY).itertuples()
    assert row.miss_probability == pytest.approx(0.4)
    assert (row.median_on.date(), row.p90_on.date()) == (TUESDAY + DAY, TUESDAY + 2 * DAY)
    assert (row.lane_level, row.sample) == ("city", 100)
    (later,) = said(PAST, waiting, TUESDAY + DAY).itertuples()
    assert (later.median_on.date(), later.p90_on.date()) == (TUESDAY + 2 * DAY, TUESDAY + 2 * DAY)
    assert later.miss_probability == 1


def test_a_weekend_is_no_delay() -> None:
    waiting = history({"posted_on": MONDAY + 11 * DAY, "promised_on": MONDAY + 16 * DAY})  # a Friday; a Wednesday
    for today in (MONDAY + 11 * DAY, MONDAY + 13 * DAY):
        (row,) = said(PAST, waiting, today).itertuples()
        assert row.median_on.date() == MONDAY + 15 * DAY
        assert row.miss_probability == pytest.approx(0)


def test_days_are_added_up_over_the_legs_of_a_way() -> None:
    """Half are posted a day after the order, half two days after; then as above."""
    past = history(
        *(
            delivered(ordered + wait * DAY, ordered + (wait + 2) * DAY, 50, ordered_on=ordered)
            for ordered, wait in ((MONDAY, 1), (MONDAY, 2))
        )
    )
    waiting = history({"ordered_on": MONDAY + 7 * DAY, "promised_on": MONDAY + 10 * DAY})
    (row,) = said(past, waiting, MONDAY + 7 * DAY).itertuples()
    assert (row.median_on.date(), row.p90_on.date()) == (MONDAY + 10 * DAY, MONDAY + 11 * DAY)
    assert row.miss_probability == pytest.approx(0.5)


def test_a_thin_lane_leans_on_the_wider_one() -> None:
    """Of three parcels to Manaus all came on the third day, of a hundred to elsewhere sixty on the second."""
    past = pd.concat([PAST, history(delivered(MONDAY, MONDAY + 3 * DAY, 3, state_to="AM", city_to="MANAUS"))])
    curves = learn(count(known_on(past, TUESDAY), CALENDAR, TUESDAY))
    place = curves.place("state", history({"state_to": "AM"}))
    assert curves.share[place[0], 1, 2] == pytest.approx((0 + 20 * (60 / 103)) / (3 + 20))
    (row,) = said(
        past, history({"posted_on": MONDAY + 7 * DAY, "state_to": "AM", "city_to": "MANAUS"}), TUESDAY
    ).itertuples()
    assert (row.lane_level, row.sample) == ("service", 103)
    (unknown,) = said(past, history({"posted_on": MONDAY + 7 * DAY, "carrier": "loggi"}), TUESDAY).itertuples()
    assert (unknown.lane_level, unknown.sample) == ("everything", 103)
    assert unknown.median_on.date() == TUESDAY + DAY


def test_parcels_that_have_not_come_are_survivors() -> None:
    """A lane that has stopped is seen while its parcels are still on their way."""
    stuck = history({"posted_on": MONDAY, "parcels": 100})
    curves = learn(count(known_on(pd.concat([PAST, stuck]), TUESDAY), CALENDAR, TUESDAY))
    place = curves.place("everything", stuck)[0]
    assert curves.share[place, 1, 2] == pytest.approx(60 / 200)
    assert curves.share[place, 1, 3] == pytest.approx(40 / 140)
    none_came = said(history({"posted_on": MONDAY, "parcels": 100}), stuck.head(1), TUESDAY)
    assert none_came["median_on"].isna().all()


def test_what_is_lost_or_turned_back_never_comes_and_is_no_longer_expected() -> None:
    lost = history({"posted_on": MONDAY, "ended_on": MONDAY + 4 * DAY, "parcels": 100})
    curves = learn(count(known_on(pd.concat([PAST, lost]), TUESDAY), CALENDAR, TUESDAY))
    assert curves.share[curves.place("everything", lost)[0], 1, 5] == 0
    assert pending(known_on(lost, TUESDAY)).empty
    assert len(pending(known_on(lost, MONDAY + 3 * DAY))) == 100


def test_what_was_cancelled_teaches_nothing() -> None:
    cancelled = history({"ordered_on": MONDAY, "ended_on": MONDAY + DAY, "cancelled": True})
    assert known_on(cancelled, TUESDAY).empty
    assert len(known_on(cancelled, MONDAY)) == 1


def test_what_is_long_ago_teaches_nothing() -> None:
    year_later = MONDAY + 364 * DAY
    (row,) = said(PAST, history({"posted_on": year_later, "promised_on": year_later + DAY}), year_later).itertuples()
    assert row.median_on is pd.NaT
    assert np.isnan(row.miss_probability)


@pytest.mark.parametrize("past", [history(), history({"ordered_on": TUESDAY + 30 * DAY})], ids=["none", "later"])
def test_without_history_nothing_is_said(past: pd.DataFrame) -> None:
    waiting = history({"posted_on": MONDAY, "promised_on": TUESDAY + DAY}, {"posted_on": MONDAY, "promised_on": MONDAY})
    unknown, late = said(past, waiting, TUESDAY).itertuples()
    assert (unknown.median_on, unknown.p90_on, unknown.lane_level, unknown.sample) == (pd.NaT, pd.NaT, "", 0)
    assert np.isnan(unknown.miss_probability)
    assert late.miss_probability == 1, "that is known without any"


def test_a_promise_that_is_kept_or_broken_already_is_no_question_of_chance() -> None:
    in_time = {"posted_on": MONDAY, "attempted_on": TUESDAY - DAY}
    waiting = history(
        {**in_time, "promised_on": TUESDAY - DAY}, {**in_time, "promised_on": TUESDAY - 4 * DAY},
        {"posted_on": MONDAY, "promised_on": TUESDAY}, {"posted_on": MONDAY},
    )  # fmt: skip
    kept, broken, over, none = said(PAST, waiting, TUESDAY)["miss_probability"]
    assert (kept, broken, over) == (0, 1, 1)
    assert np.isnan(none)


def test_after_an_attempt_only_the_wait_counts() -> None:
    past = history(
        *(delivered(MONDAY, MONDAY + (2 + wait) * DAY, 50, attempted_on=MONDAY + 2 * DAY) for wait in (0, 1))
    )
    (row,) = said(past, history({"posted_on": MONDAY, "attempted_on": TUESDAY}), TUESDAY).itertuples()
    assert (row.median_on.date(), row.p90_on.date()) == (TUESDAY + DAY, TUESDAY + DAY)


def test_nothing_is_known_before_it_happens() -> None:
    parcels = history({"posted_on": MONDAY, "out_on": MONDAY + 2 * DAY, "delivered_on": MONDAY + 2 * DAY})
    assert known_on(parcels, MONDAY - DAY).empty
    (row,) = known_on(parcels, MONDAY + DAY).itertuples()
    assert (row.out_on, row.delivered_on, row.state_from) == (pd.NaT, pd.NaT, "SP")
    assert known_on(history({"ordered_on": MONDAY, "posted_on": TUESDAY}), MONDAY)["state_from"].tolist() == [""]


def test_lots_come_to_the_same_as_all_at_once() -> None:
    parcels = known_on(simulated.parcels(seed=3), MONDAY)
    whole = learn(count(parcels, CALENDAR, MONDAY))
    lots = learn(together(*(count(lot, CALENDAR, MONDAY) for lot in (parcels[::2], parcels[1::2]))))
    waiting = pending(parcels)
    pd.testing.assert_frame_equal(foresee(whole, waiting, CALENDAR, MONDAY), foresee(lots, waiting, CALENDAR, MONDAY))


def test_a_carrier_in_a_state_has_its_own_calendar_else_the_widest_that_there_is() -> None:
    rows = {("", ""): 0, ("", "RJ"): 1, ("correios", ""): 2, ("correios", "SP"): 3}
    calendars = Calendars(first=MONDAY, rows=rows, counts=np.ones((4, 9), dtype=np.int64).cumsum(axis=1))
    pairs = [("correios", "SP"), ("correios", "RJ"), ("correios", "AM"), ("loggi", "AM"), ("", "")]
    asked = history(*({"carrier": carrier, "state_to": state} for carrier, state in pairs))
    assert calendars.rows_of(asked).tolist() == [3, 1, 2, 0, 0]
    beyond = calendars.day(np.array([0, 0]), np.array([3.0, 10.0]))
    assert beyond.tolist() == [MONDAY + 2 * DAY, None]


def test_a_day_too_few_costs_the_quantile_and_a_day_too_many_the_rest() -> None:
    took = pd.Series([5.0, 1.0])
    assert backtest.pinball(0.9, pd.Series([3.0, 3.0]), took) == pytest.approx((2 * 0.9 + 2 * 0.1) / 2)
    assert backtest.pinball(0.5, took, took) == 0


def test_calibration_holds_what_was_said_against_what_came() -> None:
    made = pd.DataFrame({"miss_probability": [0.1, 0.12, 0.95, 1.0, None], "missed": [0.0, 1.0, 1.0, 1.0, 1.0]})
    bins = backtest.calibration(made)
    assert bins["forecasts"].tolist() == [2, 2]
    assert bins["missed"].tolist() == [0.5, 1.0]
    assert backtest.calibration_error(bins) == pytest.approx((abs(0.11 - 0.5) * 2 + abs(0.975 - 1) * 2) / 4)


def test_a_rival_says_no_more_than_it_could_know() -> None:
    """The lane's median is two days; the carrier told on Tuesday of Thursday, and on Wednesday of Friday."""
    parcel = history({"posted_on": MONDAY + 7 * DAY, "delivered_on": TUESDAY + 3 * DAY, "promised_on": TUESDAY})
    parcels = pd.concat([PAST, parcel], ignore_index=True)
    told = pd.DataFrame(
        {
            "shipment_id": [100, 100],
            "told_on": pd.to_datetime([TUESDAY, TUESDAY + DAY]),
            "estimated_on": pd.to_datetime([TUESDAY + 2 * DAY, TUESDAY + 3 * DAY]),
        }
    )
    days = (MONDAY + 7 * DAY, TUESDAY, TUESDAY + DAY)
    made = backtest.trials(parcels, told, CALENDAR, days, until=TUESDAY + 30 * DAY)
    assert made["took"].tolist() == [4, 3, 2]
    assert made["lane_50"].tolist() == [2, 1, 1]
    assert made["carrier_50"].fillna(-1).tolist() == [-1, 2, 2]
    assert made["missed"].tolist() == [1, 1, 1]


def every_third_day(first: date, last: date) -> Iterable[date]:
    return (first + more * DAY for more in range(0, (last - first).days, 3))


def losses_by(made: pd.DataFrame) -> dict[tuple[str, float], Any]:
    return {(row.rival, row.quantile): row for row in backtest.losses(made).itertuples()}


def test_on_simulated_journeys_forecasts_are_calibrated_and_better_than_the_plain_lane() -> None:
    """Nothing changes there as it goes on, so that what was said ought to come."""
    days = every_third_day(date(2026, 2, 20), date(2026, 5, 15))
    none = pd.DataFrame({"shipment_id": [], "told_on": pd.to_datetime([]), "estimated_on": pd.to_datetime([])})
    made = backtest.trials(simulated.parcels(seed=1), none, CALENDAR, days, simulated.LAST)
    assert len(made) > 2000
    assert backtest.calibration_error(backtest.calibration(made)) < 0.04
    lost = losses_by(made)
    for quantile in backtest.QUANTILES:
        assert lost["lane", quantile].ours < lost["lane", quantile].loss
    assert lost["forecast", 0.9].came_by == pytest.approx(0.9, abs=0.05)


@pytest.fixture(scope="module")
def tried() -> pd.DataFrame:
    """What the command of docs/forecast.md tries on the sample history."""
    held = read(sample.HERE)
    days = [date(2026, 3, 2) + more * DAY for more in range(103)]
    return backtest.trials(held.parcels, held.estimates, held.calendars, days, held.until)


def test_on_the_sample_history_forecasts_are_better_than_the_plain_lane_and_the_carrier(tried: pd.DataFrame) -> None:
    """With a strike and a lane that slows down, which nobody could foresee."""
    assert backtest.calibration_error(backtest.calibration(tried)) < 0.08
    lost = losses_by(tried)
    for rival in ("lane", "carrier"):
        for quantile in backtest.QUANTILES:
            assert lost[rival, quantile].forecasts > 10_000
            assert lost[rival, quantile].ours < lost[rival, quantile].loss


def test_the_page_has_the_figures_of_its_command_and_of_what_it_is_reckoned_with(tried: pd.DataFrame) -> None:
    page = (Path(__file__).parents[2] / "docs/forecast.md").read_text("utf-8")
    assert f"--history tests/history --from {tried['day'].min()} --to {tried['day'].max()}" in page
    lost = losses_by(tried)
    lane, carrier = ([lost[rival, quantile] for quantile in backtest.QUANTILES] for rival in ("lane", "carrier"))
    assert f"on the same {lane[0].forecasts:,} forecasts" in page
    assert f"| Rastro | {lane[0].ours:.2f} | {lane[1].ours:.2f} |" in page
    for (half, nine), name in ((lane, "plain lane"), (carrier, "the carrier's own estimate")):
        (line,) = (line for line in page.splitlines() if line.startswith(f"| {name}"))
        assert line.endswith(f"| {half.loss:.2f} | {nine.loss:.2f} | {nine.came_by:.0%} |".replace("%", " %"))
    ours = lost["forecast", 0.9]
    assert f"Of all {ours.forecasts:,} forecasts" in page
    assert f"{ours.came_by * 100:.0f} % came by" in page
    assert f"{100 * backtest.calibration_error(backtest.calibration(tried)):.0f} points" in page
    for number in (forecast.RECENT, int(forecast.STEADY), forecast.HORIZON):
        assert f" {number} " in page


def test_the_sample_is_what_its_script_writes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("PARCELS", "ESTIMATES"):
        monkeypatch.setattr(sample, name, tmp_path / getattr(sample, name).name)
    sample.main()
    for file in ("parcels.csv", "estimates.csv"):
        assert (tmp_path / file).read_text("utf-8") == (sample.HERE / file).read_text("utf-8")


def test_the_command_prints_and_draws_a_backtest(tmp_path: Path, capsys: Any) -> None:
    picture = tmp_path / "forecast.svg"
    asked = ["forecast", "--backtest", "--history", str(sample.HERE), "--from", "2026-03-02", "--to", "2026-03-04"]
    assert main([*asked, "--plot", str(picture)]) == 0
    printed = capsys.readouterr().out
    for words in ("Calibration error: 0.", "plain lane", "carrier's estimate", "came by then"):
        assert words in printed
    assert "Promises missed" in picture.read_text("utf-8")


@pytest.mark.parametrize(
    ("more", "code", "words"),
    [
        ([], 2, "--from and --to"),
        (["--from", "2026-03-04", "--to", "2026-03-02"], 2, "in this order"),
        (["--from", "2020-03-02", "--to", "2020-03-04"], 1, "no parcel was on its way"),
    ],
)
def test_the_command_says_what_is_missing(more: list[str], code: int, words: str, capsys: Any) -> None:
    assert main(["forecast", "--backtest", "--history", str(sample.HERE), *more]) == code
    assert words in capsys.readouterr().err


def test_a_history_that_cannot_be_read_says_so(tmp_path: Path) -> None:
    (tmp_path / "parcels.csv").write_text("shipment_id,carrier\n1,correios\n")
    with pytest.raises(Permanent, match="cannot be read"):
        read(tmp_path)
