"""From a promise to a hand-over: claim, judge, compose, mark, send, record, recover.

Read in this order: `promise`, `lease`, `journal`, `orphans`, `frame`, `verdicts`, `compose`, `handover`, `worker`.
"""
