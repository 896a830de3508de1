"""Its being here puts the repository root onto the module path, for `tests.reference`."""
