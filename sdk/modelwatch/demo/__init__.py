"""``modelwatch demo``: the product's main job on real data, on one machine, through the deployed app."""
