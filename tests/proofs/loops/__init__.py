"""
Sequential programs of which it is known by construction whether their loops, comprehensions and maps are separable.

``works`` are what an item does, harmless or a trap; ``forms`` are the loops around it; ``drawing`` puts them together, from a seed.
"""
