"""Who belongs in an ad audience, and the difference to what the platform holds; and the product feed.

Read in this order: `rule`, `people`, `mirror`, `sync`, `feed`; what a sync did is in `report`.
"""
