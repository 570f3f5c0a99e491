"""When and how hard: Prefect flows, their forms, shards and reports, and the local server that shows them.

A flow knows nothing about customers. It starts a verb of `segue.service`, hands ids and counts to Prefect and
leaves a report that a marketer can read.
"""
