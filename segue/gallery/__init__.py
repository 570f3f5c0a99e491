"""The pages that `make demo` leaves behind, and the words in which people are told what Segue decided.

Pages and timelines hold personal data: they are for the shop's own disk and terminal, never for Prefect. `book` writes
the pages, `explain` one person's story, `words` says everything.
"""
