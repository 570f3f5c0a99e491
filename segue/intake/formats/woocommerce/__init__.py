"""WooCommerce's product export, in the languages of its users, and the orders report of its Analytics."""

from __future__ import annotations

from segue.intake.formats.columns import Columns
from segue.intake.formats.format import Format
from segue.intake.formats.woocommerce.headers import ORDER_COLUMNS, PRODUCT_ALIASES, PRODUCT_COLUMNS
from segue.intake.formats.woocommerce.orders import OrdersReportDoor
from segue.intake.formats.woocommerce.products import ProductsDoor

#: A shop's keeper may leave columns out; so many of these tell the file all the same.
_TELLING = ("Published", "Visibility in catalog", "In stock?", "Tax status", "Regular price", "Parent")
_ENOUGH = 2


def _is_products(columns: tuple[str, ...], _file: str) -> bool:
    named = Columns(columns, PRODUCT_ALIASES)
    if not (named.has("Type") and named.has("Name") and (named.has("SKU") or named.has("ID"))):
        return False
    return sum(map(named.has, _TELLING)) >= _ENOUGH


def _is_orders_report(columns: tuple[str, ...], _file: str) -> bool:
    named = Columns(columns)
    return all(map(named.has, ("Date", "Order #", "Status", "Customer type", "Net Sales")))


FORMATS = (
    Format(
        name="woocommerce-products",
        title="WooCommerce products",
        needed=("Type", ("SKU", "ID"), "Name"),
        recognises=_is_products,
        door=ProductsDoor,
        money=("Sale price", "Regular price"),
        known=PRODUCT_COLUMNS,
        aliases=PRODUCT_ALIASES,
    ),
    Format(
        name="woocommerce-orders-report",
        title="WooCommerce orders report",
        needed=("Date", "Order #", "Status", "Net Sales"),
        recognises=_is_orders_report,
        door=OrdersReportDoor,
        money=("Net Sales",),
        times=("Date",),
        known=ORDER_COLUMNS,
    ),
)
