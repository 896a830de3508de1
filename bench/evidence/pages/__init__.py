"""The tables of pages that are not only curves: Figure 3, Table 1 and KL to a reference."""
