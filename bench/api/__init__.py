"""The command line's verbs as Python functions, such as `bench.run` and `bench.compare`.

Nothing here is imported before it is used: `import bench` costs nothing.
"""
