"""The benchmark: `make bench`. Figures come from here and from nowhere else; nothing in it is a test."""
