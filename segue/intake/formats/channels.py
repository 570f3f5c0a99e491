"""Where an order came from: the shop's own word (`Source`, say) in ours. Data."""

from __future__ import annotations

import re

#: Source, or the number of the app that made the order -> sales channel.
_CHANNELS = {
    "web": "web",
    "580111": "web",
    "checkout_next": "web",
    "pos": "store",
    "129785": "store",
    "shopify_draft_order": "draft_order",
    "1354745": "draft_order",
    "2329312": "facebook_shop",
    "facebook": "facebook_shop",
    "facebook_shop": "facebook_shop",
    "instagram": "instagram_shop",
    "instagram_shop": "instagram_shop",
    "1780363": "google",
    "google": "google",
    "3890849": "shop_app",
    "shop": "shop_app",
    "4383523": "tiktok_shop",
    "tiktok": "tiktok_shop",
    "subscription_contract": "subscription",
}
#: Channels and words of a Source that mean somebody else's shop, where the buyer is not ours to write to.
_MARKETPLACES = frozenset(
    """tiktok_shop amazon ebay etsy walmart zalando otto kaufland bol cdiscount fnac allegro mercadolibre rakuten wish
    aliexpress shein temu tiktok tiktokshop manomano asos aboutyou trendyol miravia faire""".split()  # noqa: SIM905 - reads as a list
)
_WORD = re.compile(r"[a-z0-9]+")
_LONGEST = 32


def channel_of(source: str) -> tuple[str, bool]:
    """Return the sales channel and whether it is a marketplace; an unknown source stays as `app:<source>`."""
    word = " ".join(source.casefold().split())
    if not word:
        return "web", False
    if word in _CHANNELS:
        channel = _CHANNELS[word]
        return channel, channel in _MARKETPLACES
    market = next((part for part in _WORD.findall(word) if part in _MARKETPLACES), None)
    return (market, True) if market is not None else (f"app:{word}"[:_LONGEST], False)
