"""The sample shop: Saltmere, an invented label of coastal knitwear and basics, made from a seed."""

from segue.sample.brand import BRAND, Brand
from segue.sample.pictures import LOGO, LOGO_LIGHT, draw_pictures
from segue.sample.shop import ShopFiles, write_shop

__all__ = ["BRAND", "LOGO", "LOGO_LIGHT", "Brand", "ShopFiles", "draw_pictures", "write_shop"]
