"""Who belongs in an ad audience, and the difference to what the platform holds; and the product feed."""

from segue.audiences.feed import feed_items
from segue.audiences.report import AudienceLine, AudienceReport, FeedReport
from segue.audiences.standing import Standing, standings
from segue.audiences.sync import AudienceSync, Entering, Place
from segue.audiences.usual import UnusualAudience, unusual_audiences

__all__ = [
    "AudienceLine",
    "AudienceReport",
    "AudienceSync",
    "Entering",
    "FeedReport",
    "Place",
    "Standing",
    "UnusualAudience",
    "feed_items",
    "standings",
    "unusual_audiences",
]
