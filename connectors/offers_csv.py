"""Codes for a till or a shop that reads files: `codes.csv` and `withdrawn.csv` out, redemptions in.

What the files hold, and that they are whole and on the disk, is `code_file`'s business; how the till wants its
columns, dates and money is `code_layout`'s. A till must refuse what `withdrawn.csv` names, whatever `codes.csv` says.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from connectors.code_file import CodeFile
from connectors.code_layout import CodeLayout
from segue.contract import Redemption, Result, Voucher


class OffersCsvConnector:
    """Writes codes into `folder`, which is made when the first one comes.

    The other options are `CodeLayout`'s. Raises ConfigurationError for options that cannot work.
    """

    name = "offers_csv"

    def __init__(
        self,
        *,
        folder: str | Path,
        columns: str = "code,percent,amount,currency,valid_from,valid_until",
        redemption_columns: str = "code,order_id,redeemed_at",
        date_format: str = "",
        time_zone: str = "",
        decimal_sign: str = ".",
        separator: str = ",",
    ) -> None:
        layout = CodeLayout(
            columns=columns,
            redemption_columns=redemption_columns,
            date_format=date_format,
            time_zone=time_zone,
            decimal_sign=decimal_sign,
            separator=separator,
        )
        self._files = CodeFile(Path(folder), layout)

    def publish(self, vouchers: Sequence[Voucher]) -> Iterator[Result]:
        """Append codes to `codes.csv`; once accepted they are on the disk."""
        return self._files.publish(vouchers)

    def withdraw(self, codes: Sequence[str]) -> Iterator[str]:
        """Append codes to `withdrawn.csv`."""
        return self._files.withdraw(codes)

    def redemptions(self) -> Iterator[Redemption]:
        """Yield what tills wrote to `redemptions.csv` and `redemptions/*.csv`, all of it each time."""
        return self._files.redemptions()
