"""The illustrator of the sample shop: garments laid flat, cut from paths, knitted from waves, lit from one side."""
