"""The pages that `make demo` leaves behind, and the words in which people are told what Segue decided.

Pages and timelines hold personal data: they are for the shop's own disk and terminal, never for Prefect.
"""

from segue.gallery.book import write_gallery
from segue.gallery.chart import sum_chart
from segue.gallery.explain import explain_text
from segue.gallery.timeline import Timeline, timelines

__all__ = ["Timeline", "explain_text", "sum_chart", "timelines", "write_gallery"]
