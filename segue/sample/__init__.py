"""The sample shop: Saltmere, an invented label of coastal knitwear and basics, made from a seed."""

from segue.sample.brand import BRAND, Brand
#from segue.sample.pictures import draw_pictures
from segue.sample.shop import ShopFiles, write_shop

__all__ = ["BRAND", "Brand", "ShopFiles", "write_shop"]
