"""What the algorithms compute with: networks, optimisers, running statistics, random streams."""
