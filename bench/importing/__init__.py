"""Learning curves made elsewhere, read into the store beside trained runs.

`read_curves` reads files, with one module per kind of file; `adopt` stores the curves as runs that
are marked as imported. Nothing about them is verified but that they are curves.
"""

from bench.importing.adopting import Adopted, adopt
from bench.importing.choice import Choice
from bench.importing.curve import Curve
from bench.importing.place import Place, imported_rows
from bench.importing.reading import read_curves

__all__ = ["Adopted", "Choice", "Curve", "Place", "adopt", "imported_rows", "read_curves"]
