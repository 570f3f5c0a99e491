"""Money: personal vouchers, minted once per message key, known to the shop before a message names them, used once."""

from segue.offers.count import CodeCount, count_codes
from segue.offers.ledger import live_vouchers, lock_people, mark_published, revoke, vouchers_of
from segue.offers.mint import mint
from segue.offers.offer import Offer, OfferedVoucher, best
from segue.offers.redeem import RedemptionCount, record_redemptions, redeem_orders
from segue.offers.referral import find_referrals, known_codes, referral_codes
from segue.offers.referral_review import (
    ReferralCount,
    ReviewedReferral,
    SuspectReferral,
    count_referrals,
    referrals_to_review,
    review_referral,
    reviewed_referrals,
)
from segue.offers.referral_rewards import Standing, ahead, grant_rewards, grantable, next_rewards, standings
from segue.offers.refusals import Refusal, refusals
from segue.offers.shop import Settled, publish, read_redemptions, settle, withdraw

__all__ = [
    "CodeCount",
    "Offer",
    "OfferedVoucher",
    "RedemptionCount",
    "ReferralCount",
    "Refusal",
    "ReviewedReferral",
    "Settled",
    "Standing",
    "SuspectReferral",
    "ahead",
    "best",
    "count_codes",
    "count_referrals",
    "find_referrals",
    "grant_rewards",
    "grantable",
    "known_codes",
    "live_vouchers",
    "lock_people",
    "mark_published",
    "mint",
    "next_rewards",
    "publish",
    "read_redemptions",
    "record_redemptions",
    "redeem_orders",
    "referral_codes",
    "referrals_to_review",
    "refusals",
    "review_referral",
    "reviewed_referrals",
    "revoke",
    "settle",
    "standings",
    "vouchers_of",
    "withdraw",
]
