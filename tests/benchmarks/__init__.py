"""How long the hot parts take: `tox -e benchmark`; against another commit: `tox -e compare`.

Unlike its neighbours this folder is a package: its files are named after the parts that they
measure, as the tests of those parts are, and two modules `test_returns` can only be imported side
by side when one of them has another first name.
"""
