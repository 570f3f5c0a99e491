"""The samples on a page: each says whom it stands for, the fullest and the barest first."""

from __future__ import annotations

from segue.render.samples import BARE, MAIN, sample_renders, who_in
from segue.render.templates import Library


def test_every_sample_says_whom_it_stands_for(library: Library) -> None:
    """No two of a step say the same; one that says nothing is told by its words."""
    for name in library.names():
        samples = library.step(name).samples()
        assert all(words["who"] for words in samples.values()), name
        assert len({who_in(words) for words in samples.values()}) == len(samples), name
    assert who_in({"profile": {"first_name": "Ada"}, "items": [{}]}) == "Ada, 1 thing"
    assert who_in({}) == "no name"


def test_a_page_gets_two_samples_and_the_first_again_in_another_language(library: Library) -> None:
    """Of the languages that the step speaks, besides the brand's; none where words are somebody's own."""
    step = "popup_invite/invite"
    shown = sample_renders(library, [step], at_most=2, languages=("en", "de", "sv"))
    assert [one.sample for one in shown] == [MAIN, BARE, MAIN]
    assert [one.who for one in shown] == [
        "Sarah, lives nearby, 320 points", "no name, no points, home unknown",
        "Sarah, lives nearby, 320 points; reads German",
    ]  # fmt: skip
    assert "besuchen" in shown[2].text
    own = {step: lambda words: {**words, "written_in": ""}}
    assert len(sample_renders(library, [step], at_most=2, languages=("de",), shows=own)) == 2
    assert sample_renders(library, [step], channels={step: ("sms",)}) == []
