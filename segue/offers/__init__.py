"""Money: personal vouchers, minted once per message key, published before a message may name them."""

from segue.offers.mint import Offer, OfferedVoucher, mark_published, mint, vouchers_of

__all__ = ["Offer", "OfferedVoucher", "mark_published", "mint", "vouchers_of"]
