"""The channels that policy chooses among, and what may be known of a consent; both as they are counted in the frame."""

from __future__ import annotations

from segue.contract import Channel

#: Position is the code.
CHANNELS = (Channel.EMAIL, Channel.SMS, Channel.PRINT)

#: What a basis column may say; position is the code. Anything else counts as having said nothing.
BASES = ("double_opt_in", "opt_in", "soft_opt_in", "legitimate_interest", "contract", "doubted", "denied")
