"""What `segue rehearse` shows: the days, the sums, what the rules did, and the ad audiences."""

from __future__ import annotations

from rich.table import Table

from segue.service.rehearsal import OUTCOME_WORDS, OUTCOMES, Calendar, audience_sums, rule_lines, whys_said


def weeks_table(calendar: Calendar) -> Table:
    """A line a day on which anything happened, a column a journey: what would leave."""
    table = Table(title="What would leave, day by day")
    table.add_column("day", no_wrap=True)
    for name in calendar.journeys:
        table.add_column(calendar.titles[name], justify="right")
    for head in ("held", "left out"):
        table.add_column(head, justify="right", style="dim")
    for day in calendar.days:
        if day.total:
            cells = [*(day.count("sent", name) for name in calendar.journeys), day.count("held"), day.count("left_out")]
            clocks = " ⇄" if day.clocks else ""
            table.add_row(f"{day.day:%a %Y-%m-%d}{clocks}", *(f"{cell:,}" if cell else "" for cell in cells))
    if any(day.clocks for day in calendar.days):
        table.caption = "⇄ clocks change"
    return table


def sums_table(calendar: Calendar) -> Table:
    """What became of whom, a line a journey."""
    shown = [what for what in OUTCOMES if what != "held" and calendar.ended(what)]
    table = Table(title=f"{calendar.considered:,} considered")
    table.add_column("journey")
    for what in (*shown, "held"):
        table.add_column(OUTCOME_WORDS[what].lower(), justify="right")
    for name in calendar.journeys:
        table.add_row(
            calendar.titles[name], *(f"{calendar.ended(what, name):,}" for what in shown), f"{calendar.held(name):,}"
        )
    table.caption = "held: how often a message had to wait on its way"
    return table


def rules_table(calendar: Calendar) -> Table:
    """What each rule did: how many messages, and what became of them."""
    table = Table(title="What the rules did")
    table.add_column("rule", no_wrap=True)
    table.add_column("messages", justify="right")
    table.add_column("what became of them")
    for rule in rule_lines(calendar):
        table.add_row(rule.title, f"{rule.count:,}", rule.said)
    return table


def audiences_table(calendar: Calendar) -> Table:
    """Who comes into each ad audience and who goes out, and why, in the whole period."""
    table = Table(title="Ad audiences")
    table.add_column("audience", no_wrap=True)
    for head in ("before", "come in", "go out", "at the end"):
        table.add_column(head, justify="right")
    table.add_column("why they go out")
    for one in audience_sums(calendar.audiences):
        counts = (one.before, one.came, one.gone, one.members)
        table.add_row(one.title, *(f"{count:,}" for count in counts), whys_said(one.went))
    return table
