"""What `bench.run` and `bench.compare` do: the command line's verbs as functions of Python.

Nothing here is imported before it is used: `import bench` costs nothing.
"""
