"""Drop-downs that grow: they offer what exists by now, and keep what somebody saved."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import insert

from flows.choices import growing, keeping_saved
from flows.errors import FlowError
from flows.popup_invite import ANY, PopupInviteForm
from flows.print_run import EVERY, PrintBrief
from flows.retargeting import RetargetingForm
from flows.segments import ANYWHERE, SegmentForm
from segue.clock import VirtualClock
from segue.journeys.popup_invite import JOURNEY
from segue.service import Segue, Start, open_segue, popup_choices
from segue.settings import load_settings
from segue.store.engine import write
from segue.store.tables import listing, location, product
from tests.flows.conftest import NOW
from tests.journeys.popups import DAY, popup


@pytest.fixture
def opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Segue]:
    """An installation that forms find through the environment; SQLite, since the queries run on both elsewhere."""
    monkeypatch.setenv("SEGUE_DATABASE_URL", "")
    monkeypatch.setenv("SEGUE_HOME", str(tmp_path))
    monkeypatch.setenv("SEGUE_VIRTUAL_NOW", NOW.isoformat())
    load_settings.cache_clear()
    with open_segue(clock=VirtualClock(NOW)) as segue:
        yield segue
    load_settings.cache_clear()


def offered() -> dict[str, Any]:
    """The field as Prefect's form gets it now."""
    field: dict[str, Any] = PopupInviteForm.model_json_schema()["properties"]["popup"]
    return field


def test_the_pop_up_is_chosen_from_those_that_are_open_or_planned(opened: Segue) -> None:
    """Without a store and without one it says what to do; a new one stands there at once, an old one does not.

    The sample mail speaks of the one that is chosen, else of the next.
    """
    nothing = offered()
    assert (nothing["enum"], nothing["default"]) == ([ANY], ANY)
    assert "Import one with import-shop" in nothing["description"]
    opened.install()
    assert offered() == nothing
    popup(opened.engine, 1, name="Over", opens_at=NOW - 9 * DAY, closes_at=NOW - DAY)
    popup(opened.engine, 2, name="Later", opens_at=NOW + 30 * DAY, closes_at=NOW + 30 * DAY + timedelta(hours=8))
    popup(opened.engine, 3, name="Now", capacity=None)
    popup(opened.engine, 4, name="Nowhere", latitude=None)
    popup(opened.engine, 5, name="A shop", kind="store")
    mails = [opened.sample_renders(opened.speaking_of(JOURNEY, one))[0].text for one in ("POP-2", None)]
    assert ["Later" in mails[0], "Now" in mails[1]] == [True, True]
    assert offered()["enum"] == [ANY, "Now, 14 to 21 May (POP-3)", "Later, 11 Jun (POP-2)"]
    assert "import-shop" in offered()["description"]


@pytest.mark.parametrize("choice", ["Now, 14 to 21 May (P (1))", "Called otherwise since (P (1))", "P (1)"])
def test_a_choice_means_the_pop_up_whose_id_ends_it(opened: Segue, choice: str) -> None:
    """Whatever its name and days were when somebody saved the form, and also once it is over."""
    opened.install()
    popup(opened.engine, 1, external_id="P (1)", opens_at=NOW - 2 * DAY, closes_at=NOW - DAY)
    popup(opened.engine, 2, external_id="1)", closes_at=NOW + DAY, opens_at=NOW)
    known = PopupInviteForm(popup=choice, places=40).brief_for(JOURNEY)
    assert known == JOURNEY.brief.model_validate({"popup": "P (1)", "places": 40})
    assert PopupInviteForm().brief_for(JOURNEY) == JOURNEY.brief()
    with pytest.raises(FlowError, match=r"no shop or pop-up P9; there are Pop-up, 10 to 11 May \(P"):
        PopupInviteForm(popup="P9").brief_for(JOURNEY)
    assert popup_choices() == ("Pop-up, 12 to 13 May (1))",)


def test_an_invitation_may_go_to_a_segment_and_its_yes_is_for_what_that_means(opened: Segue) -> None:
    opened.install()
    popup(opened.engine)
    form = PopupInviteForm(segment="bought-lately")
    assert "bought-lately" in PopupInviteForm.model_json_schema()["properties"]["segment"]["enum"]
    assert "people" not in PopupInviteForm.model_json_schema()["properties"]
    assert form.asked() == "Asked for: Who: **bought-lately**"
    brief = form.brief_for(JOURNEY)
    assert brief == JOURNEY.brief.model_validate(
        {"segment": "bought-lately", "people": opened.segment("bought-lately")}
    )
    before = opened.freeze(JOURNEY, brief, start=Start.HAND).digest
    assert before == opened.freeze(JOURNEY, form.brief_for(JOURNEY), start=Start.HAND).digest
    opened.define_segment("bought-lately", "", {"conditions": [{"kind": "bought_within", "days": 30}]})
    assert before != opened.freeze(JOURNEY, form.brief_for(JOURNEY), start=Start.HAND).digest
    with pytest.raises(FlowError, match="there is no segment nobody"):
        PopupInviteForm(segment="nobody").brief_for(JOURNEY)


def test_words_of_the_shop_are_chosen_and_others_refused(opened: Segue) -> None:
    """`Tops` for `tops` would name nobody, and nothing would tell; where the shop has none yet, any is taken."""
    opened.install()
    tops = {"conditions": [{"kind": "bought_within", "days": 9, "category": "Tops"}]}
    assert opened.define_segment("early", "", tops).people == 0
    with write(opened.engine) as connection:
        connection.execute(
            insert(product),
            [
                {"id": one, "external_id": f"P{one}", "title": "x", "category": what, "size_system": "alpha"}
                | {"recorded_at": NOW}
                for one, what in enumerate(("tops", "hats", None, "tops"), start=1)
            ],
        )
        connection.execute(
            insert(listing), {"product_id": 1, "sales_channel": "store", "listed_from": NOW, "listed_until": NOW}
        )
        connection.execute(insert(location), {"external_id": "Newark", "kind": "warehouse", "name": "N"})
    asked = SegmentForm.model_json_schema()["properties"]
    assert asked["bought_category"]["enum"] == asked["size_category"]["enum"] == [ANYWHERE, "hats", "tops"]
    assert (asked["size_system"]["enum"], asked["bought_on"]["enum"]) == ([ANYWHERE, "alpha"], [ANYWHERE])
    assert RetargetingForm.model_json_schema()["properties"]["sales_channel"]["enum"] == ["web", "store"]
    assert PrintBrief.model_json_schema()["properties"]["location"]["enum"] == [EVERY, "main", "Newark"]
    for one in (tops, {"conditions": [{"kind": "not", "condition": tops["conditions"][0]}]}):
        with pytest.raises(
            ValueError, match="there is no category Tops, so it would name nobody; there are hats, tops"
        ):
            opened.define_segment("late", "", one)
    left = SegmentForm(name="x", bought_days=9, bought_category=ANYWHERE).definition()
    assert left == SegmentForm(name="x", bought_days=9).definition()


def test_a_saved_default_whose_pop_up_is_over_is_still_offered() -> None:
    """Else Prefect refuses the form, and Segue would not start; a fixed list is none of this."""
    grown: dict[str, Any] = {}
    growing(lambda: ["b"], first="a")(grown)
    form = {
        "properties": {"brief": {"$ref": "#/definitions/F"}},
        "definitions": {"F": {"properties": {"popup": grown, "what": {"enum": ["x"]}}}},
    }
    kept = keeping_saved(form, {"brief": {"popup": "over", "what": "gone", "new": 1}, "other": 1})
    fields = kept["definitions"]["F"]["properties"]
    assert (fields["popup"]["enum"], fields["what"]["enum"]) == (["a", "b", "over"], ["x"])
    assert keeping_saved(form, {"brief": {"popup": "b"}}) == form
