"""The law tables: complete, consistent, and never laxer for a country we do not know."""

from __future__ import annotations

import pytest

from segue.contract import Channel
from segue.policy import load_law
from segue.policy.hours import Hours, minutes
from segue.policy.law import shipped_law
from segue.policy.zones import country_zones
from tests.policy.frames import NOW, fate, judged, row, rules

LAW = shipped_law()
EU = {
    "AT",
    "BE",
    "BG",
    "HR",
    "CY",
    "CZ",
    "DK",
    "EE",
    "FI",
    "FR",
    "DE",
    "GR",
    "HU",
    "IE",
    "IT",
    "LV",
    "LT",
    "LU",
    "MT",
    "NL",
    "PL",
    "PT",
    "RO",
    "SK",
    "SI",
    "ES",
    "SE",
}
LISTED = EU | {"IS", "LI", "NO", "CH", "GB", "US", "CA", "AU", "NZ"}


def inside(inner: Hours, outer: Hours) -> bool:
    return inner.meet(outer) == inner


def test_the_countries_promised_are_listed_with_hours():
    assert LAW.email.keys() >= LISTED
    assert LAW.email.keys() == LAW.sms.keys() == {country for country, _ in LAW.hours}


def test_every_country_has_zones():
    """A code nobody knows would be a typing error."""
    assert LAW.email.keys() <= country_zones().keys()


def test_confirmed_consent_is_enough_everywhere():
    for bases in (*LAW.email.values(), *LAW.sms.values()):
        assert "double_opt_in" in bases


def test_a_purchase_is_never_worth_more_for_texts_than_for_mail():
    for country, bases in LAW.sms.items():
        assert bases <= LAW.email[country]


@pytest.mark.parametrize("country", [None, "XX", "", "AQ"])
def test_an_unknown_country_gets_the_strictest_of_everything(country):
    """What it allows, every listed country allows."""
    for known in LAW.email:
        for channel in (Channel.EMAIL, Channel.SMS):
            assert LAW.bases(country, channel) <= LAW.bases(known, channel)
    for hours in LAW.hours.values():
        assert inside(LAW.sms_hours(country, None), hours)
    assert any(LAW.sms_hours(country, None).days)


@pytest.mark.parametrize("country", ["DE", "AT", "CH"])
def test_where_only_a_confirmed_opt_in_counts(country):
    place = {"country": country, "zone": "Europe/Berlin", "region": None}
    assert fate({**place, "email_basis": "opt_in"}) == "unconfirmed"
    assert fate({**place, "email_basis": "double_opt_in"}) == "send"
    assert fate({**place, "email_basis": "soft_opt_in"}) == "send"
    assert fate({**place, "channels": ("sms",), "sms_basis": "soft_opt_in"}) == "no_consent"


def test_legitimate_interest_is_no_basis_for_marketing_mail_anywhere():
    assert not any("legitimate_interest" in bases for bases in LAW.email.values())


# What the stricter states allow, weekdays / Saturday / Sunday: federal, FL MD MS NJ OK, CT, TX, RI.
STATES = [
    ("08:00-21:00", "08:00-21:00", "08:00-21:00"),
    ("08:00-20:00", "08:00-20:00", "08:00-20:00"),
    ("09:00-20:00", "09:00-20:00", "09:00-20:00"),
    ("09:00-21:00", "09:00-21:00", "12:00-21:00"),
    ("09:00-18:00", "10:00-17:00", "10:00-17:00"),
]


@pytest.mark.parametrize("limits", STATES)
def test_the_american_hours_fit_every_state(limits):
    weekday, saturday, sunday = (tuple(minutes(time) for time in span.split("-")) for span in limits)
    assert inside(LAW.sms_hours("US", "ZZ"), Hours(((weekday,),) * 5 + ((saturday,), (sunday,))))


def test_a_german_sunday_is_silent():
    (verdict,) = judged(
        row(channels=("sms",), country="DE", zone="Europe/Berlin", region=None), now=NOW.replace(day=22)
    )
    assert verdict["reason"] == "quiet_hours"
    assert verdict["until"] == NOW.replace(day=23, hour=8)  # Monday, 09:00


def test_lower_case_codes_are_understood():
    assert LAW.bases("us", Channel.EMAIL) == LAW.bases("US", Channel.EMAIL)
    assert LAW.sms_hours("us", "ny") == LAW.sms_hours("US", "NY")


COUNTRIES = "country,email,sms,explanation,source\nUS,opt_in double_opt_in,double_opt_in,x,y\n"
HOURS = "countries,region,days,opens,closes,note\nUS,,mon-sun,09:00,18:00,x\nUS,RI,mon,10:00,11:00,x\n"


def own_law(folder, countries=COUNTRIES, hours=HOURS):
    (folder / "countries.csv").write_text(countries, encoding="utf-8")
    (folder / "sms_hours.csv").write_text(hours, encoding="utf-8")
    return load_law(folder)


def test_a_shop_may_bring_its_own_tables(tmp_path):
    """A state's lines replace its country's, a day without a line is closed."""
    law = own_law(tmp_path)
    by = rules(law=law)
    text = {"channels": ("sms",)}
    assert fate({**text, "region": "NY"}, by=by) == "send"
    (held,) = judged(row(**text, region="RI"), by=by)
    assert held["until"] == NOW.replace(day=23)  # next Monday, 10:00
    assert fate({**text, "sms_basis": "opt_in"}, by=by) == "unconfirmed"


def test_hours_that_never_come_make_the_zone_unknown(tmp_path):
    """No hour is legal in all of a country's zones at once: then we cannot text her."""
    law = own_law(tmp_path, hours="countries,region,days,opens,closes,note\nUS,,mon-fri,09:00,10:00,x\n")
    text = {"channels": ("sms",), "region": None}
    assert fate({**text, "zone": None}, by=rules(law=law)) == "zone_unknown"
    assert fate(text, by=rules(law=law)) == "quiet_hours"


BROKEN = {
    "an unknown basis": ({"countries": COUNTRIES.replace("opt_in ", "opt_out ")}, "countries.csv, line 2.*opt_out"),
    "a country twice": ({"countries": COUNTRIES + COUNTRIES.splitlines()[1]}, "line 3: US is listed twice"),
    "a time": ({"hours": HOURS.replace("18:00", "6pm")}, "sms_hours.csv, line 2.*6pm"),
    "a day": ({"hours": HOURS.replace("mon-sun", "weekdays")}, "line 2.*weekdays"),
    "a week backwards": ({"hours": HOURS.replace("mon-sun", "sun-mon")}, "runs backwards"),
    "over midnight": ({"hours": HOURS.replace("18:00", "02:00")}, "two lines"),
    "nothing": ({"countries": COUNTRIES.splitlines()[0]}, "empty"),
}


@pytest.mark.parametrize(("files", "error"), BROKEN.values(), ids=BROKEN.keys())
def test_a_table_that_cannot_be_read_is_refused_with_its_line(tmp_path, files, error):
    with pytest.raises(ValueError, match=error):
        own_law(tmp_path, **files)
