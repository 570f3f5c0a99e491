"""Money: personal vouchers, minted once per message key, known to the shop before a message names them, used once."""

from segue.offers.count import CodeCount, count_codes
from segue.offers.ledger import live_vouchers, lock_people, mark_published, revoke, vouchers_of
from segue.offers.mint import mint
from segue.offers.offer import Offer, OfferedVoucher, best
from segue.offers.redeem import RedemptionCount, record_redemptions, redeem_orders
from segue.offers.shop import Settled, publish, read_redemptions, settle, withdraw

__all__ = [
    "CodeCount",
    "Offer",
    "OfferedVoucher",
    "RedemptionCount",
    "Settled",
    "best",
    "count_codes",
    "live_vouchers",
    "lock_people",
    "mark_published",
    "mint",
    "publish",
    "read_redemptions",
    "record_redemptions",
    "redeem_orders",
    "revoke",
    "settle",
    "vouchers_of",
    "withdraw",
]
